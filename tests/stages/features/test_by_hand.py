"""Each feature on numbers worked out by hand from its formula."""

from __future__ import annotations

import math

import numpy as np
import pytest

from framework.errors import InputError
from framework.stages import features as f
from framework.stages.features.vpin import buy_share

NAN = math.nan


def same(found: np.ndarray, expected: list[float]) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_order_flow_imbalance() -> None:
    # bid grows by 3; a better bid of 4; the offer of 7 is gone; the bid of 4 is gone and 9 come in at a better offer
    books = np.array([[10, 5, 11, 7], [10, 8, 11, 7], [10.5, 4, 11, 7], [10.5, 4, 11.5, 2], [10, 6, 11, 9]]).T
    same(f.OrderFlowImbalance().batch(*books), [0, 3, 4, 7, -13])
    same(f.OrderFlowImbalance(window=2).batch(*books), [0, 3, 7, 11, -6])
    same(f.OrderFlowImbalance(window=0).batch(*books), [0, 3, 7, 14, 1])


def test_nothing_is_made_of_a_book_that_was_not_seen() -> None:
    books = np.array([[10, 5, 11, 7], [NAN, NAN, 11, 7], [10, 50, 11, 7], [10, 51, 11, 7]]).T
    same(f.OrderFlowImbalance().batch(*books), [0, 0, 0, 1])


def test_trade_imbalance() -> None:
    same(f.TradeImbalance(window=2).batch([1, -1, 0, 1], [3.0, 1.0, 4.0, 2.0]), [1, 2 / 4, -1 / 5, 2 / 6])


def test_what_has_left_a_window_leaves_no_rounding_behind() -> None:
    assert f.TradeImbalance(window=2).batch([1, -1, 1], [1e16, 1.0, 2.0])[-1] == 1 / 3  # in floats 1e16 + 1 is 1e16


def test_a_size_that_is_not_a_number_is_passed_over() -> None:
    same(f.TradeImbalance(window=2).batch([1, 1, -1], [3.0, NAN, 1.0]), [1, 1, 2 / 4])
    same(f.OrderFlowImbalance(window=0).batch([10, 10, 10, 10], [5, NAN, 6, 8], [11] * 4, [7] * 4), [0, 0, 0, 2])
    kyle = f.KyleLambda(10)
    events = [(1, 100, 1), (11, 101, 2), (12, 101, NAN), (21, 103, 4), (31, 103, 0)]
    assert [kyle.update(*event) for event in events][-1] == 1 / 2  # (2, 1) and (4, 2)


def test_weighted_mid() -> None:
    assert f.WeightedMid().update(10.0, 3.0, 11.0, 1.0) == (10 * 1 + 11 * 3) / 4


def chain() -> np.ndarray:
    """Ten transitions between a heavy bid (3 to 1) and a light one (1 to 3) at a spread of one tick.

    Counted with their mirror images: 4 stay, 2 turn, 3 turn as the mid moves a tick the heavy side's way, 1 stays as it moves against.
    """
    heavy, cents, rows = True, 10_000, []
    for kind in ["", *"SSSSFFMMMU"]:
        if kind == "M":
            cents += 1 if heavy else -1
        if kind == "U":
            cents += -1 if heavy else 1
        if kind in ("F", "M"):
            heavy = not heavy
        rows.append((cents / 100, 3.0 if heavy else 1.0, (cents + 1) / 100, 1.0 if heavy else 3.0))
    return np.array(rows).T


def test_micro_price() -> None:
    # G1 = (0.3 - 0.1) / (1 - (0.4 - 0.2)) = 0.25 ticks; after a move G turns by B = (0.1 - 0.3) / 0.8 = -0.25; G* = 0.25 / (1 + 0.25) = 0.2
    price = f.MicroPrice.fit(*chain(), tick=0.01, buckets=2, spreads=1)
    np.testing.assert_allclose(price.adjustment, [[-0.002, 0.002]], atol=1e-10)
    assert price.update(50.0, 9.0, 50.01, 2.0) == pytest.approx(50.005 + 0.002, abs=1e-9)
    assert price.update(50.0, 2.0, 50.01, 9.0) == pytest.approx(50.005 - 0.002, abs=1e-9)
    assert math.isnan(price.update(50.0, 2.0, 50.02, 9.0))  # a spread it has not seen


def test_micro_price_needs_moves() -> None:
    with pytest.raises(InputError, match="none moves the mid"):
        f.MicroPrice.fit([1.0, 1.0], [1.0, 2.0], [1.01, 1.01], [1.0, 1.0], tick=0.01)


def test_pressure_and_depth() -> None:
    bids, asks = [(99.0, 2.0), (98.0, 4.0)], [(101.0, 1.0), (102.0, 3.0)]
    near, far = math.exp(-1), math.exp(-2)
    expected = ((2 - 1) * near + (4 - 3) * far) / ((2 + 1) * near + (4 + 3) * far)
    assert f.BookPressure(2, decay=1.0).update(bids, asks) == pytest.approx(expected, rel=1e-14)
    assert f.BookPressure(2).update(bids, asks) == (6 - 4) / 10
    assert f.BookPressure(1).update(bids, asks) == 1 / 3
    assert f.Depth(2).update(bids, asks) == 5.0 and f.Depth(1).update(bids, asks) == 1.5
    assert math.isnan(f.BookPressure(2).update(np.zeros((0, 2)), asks))


def test_kyles_lambda() -> None:
    # intervals of 10: the first has no change; (3, 1), (5, 2), none in the fourth, (-4, -1); the last has not ended
    events = [(1, 100, 0), (5, 100, 2), (12, 101, 3), (25, 103, 5), (41, 102, -4), (55, 102, 0)]
    feature = f.KyleLambda(10)
    values = [feature.update(*event) for event in events]
    same(np.array(values), [NAN, NAN, NAN, NAN, 0.5, 43 / 134])  # xy = 43 / 3, xx = 134 / 3
    assert feature.standard_error == pytest.approx(math.sqrt(27 / 402 * 3 / 134))
    assert feature.intercept == pytest.approx(2 / 3 - 43 / 134 * 4 / 3)
    last_two = f.KyleLambda(10, window=2)
    assert [last_two.update(*event) for event in events][-1] == pytest.approx(3 / 9)  # (5, 2) and (-4, -1)


def test_vpin() -> None:
    # each trade a bar, sigma 1: the first has no change; 6 at z = 1, 8 at z = 0, 10 at z = -1 fill buckets 6 + 4, 4 + 6
    normal = 0.8413447460685429
    values = f.Vpin(10.0, 2, bar_ns=0, sigma=1.0).batch([1, 2, 3, 4, 5], [100.0, 101, 101, 100, 100], [4.0, 6, 8, 10, 1])
    first, second = abs(2 * (6 * normal + 2) - 10), abs(2 * (2 + 6 * (1 - normal)) - 10)
    same(values, [NAN, NAN, NAN, NAN, (first + second) / 20])


def test_vpin_by_bars_knows_only_the_deviation_so_far() -> None:
    # bars of 10 close at 100, 101, 103, 102: changes 1, 2, -1. At the second sd = sqrt(1/2), z = 2 sqrt 2; at the third
    # sd = sqrt(7/3), z = -sqrt(3/7). The volumes of the first two bars come before a deviation is known.
    values = f.Vpin(5.0, 2, bar_ns=10).batch([1, 12, 22, 24, 31, 49], [100.0, 101, 99, 103, 102, 102], [9.0, 9, 2, 3, 5, 1])
    shares = [0.5 * math.erfc(-z / math.sqrt(2)) for z in (2 * math.sqrt(2), -math.sqrt(3 / 7))]
    same(values, [NAN] * 5 + [sum(abs(2 * 5 * share - 5) for share in shares) / 10])


@pytest.mark.parametrize("freedom", [0.25, 1.0, 3.0, 30.0])
def test_students_share(freedom: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    for z in (-40.0, -2.5, -0.3, 0.0, 1e-6, 0.7, 4.0, 1e3):
        assert buy_share(z, freedom) == pytest.approx(stats.t.cdf(z, freedom), rel=1e-10)


def test_effective_spread() -> None:
    same(f.EffectiveSpread().batch([1, -1, 0], [10.05, 9.97, 10.0], [10.0, 10.0, 10.0]), [0.1, 0.06, NAN])


def test_realised_spread_and_impact() -> None:
    # horizon 10: the mid known at 10 is that stamped 10; at 22 it is still the one of the second trade
    events = [(0, 1, 10.05, 10.0), (5, 0, NAN, 10.02), (10, 0, NAN, 10.03), (11, 0, NAN, 10.5), (12, -1, 10.4, 10.5), (30, 0, NAN, 10.3)]
    columns = [np.array(column) for column in zip(*events, strict=True)]
    same(f.RealisedSpread(10).batch(*columns), [NAN, NAN, NAN, 0.04, 0.04, (0.04 + 0.2) / 2])
    same(f.PriceImpact(10).batch(*columns), [NAN, NAN, NAN, 0.06, 0.06, 0.03])


def test_rolls_spread() -> None:
    same(f.RollSpread().batch([10.0, 11, 10, 11]), [NAN, NAN, NAN, 2 * math.sqrt(2)])  # pairs (1, -1), (-1, 1): covariance -2
    assert math.isnan(f.RollSpread().batch([1.0, 2, 4, 7])[-1])  # pairs (1, 2), (2, 3): covariance 0.5


def test_realised_variances() -> None:
    stamps, prices = np.arange(4), np.exp([0.0, 0.1, 0.3, 0.2])
    same(f.RealisedVariance().batch(stamps, prices), [NAN, 0.01, 0.05, 0.06])
    same(f.RealisedVariance(window=2).batch(stamps, prices), [NAN, 0.01, 0.05, 0.05])
    same(f.BipowerVariation().batch(stamps, prices), [NAN, NAN, math.pi * 0.01, math.pi * 0.02])
    # K = 2: slow (0.3^2 + 0.1^2) / 2 = 0.05, m / n = 1 / 3: (0.05 - 0.06 / 3) / (2 / 3)
    same(f.TwoScaleVariance(2).batch(stamps, prices), [NAN, NAN, NAN, 0.045])


def test_samples_by_the_clock() -> None:
    # each 10: at 10 the price of 3, at 20, 30 and 40 that of 18
    found = f.RealisedVariance(every_ns=10).batch([3, 12, 18, 41], np.exp([0.0, 0.1, 0.3, 0.2]))
    same(found, [NAN, NAN, NAN, 0.09])


def test_signs() -> None:
    same(f.TickRule().batch([10.0, 10, 11, 11, 10]), [0, 0, 1, 1, -1])
    same(f.LeeReady().batch([10.2, 10.0, 10.1, 10.1, 10.0], [10, 10, 10, 10, NAN], [10.2, 10.2, 10.2, 10.2, NAN]), [1, -1, 1, 1, -1])


def test_sign_autocorrelation() -> None:
    # pairs (1, 1), (1, -1), (-1, -1), (-1, 1), (1, 1): 1 - 5 x 0.2^2 over 5 - 5 x 0.2^2; the 0 is passed over
    assert f.SignAutocorrelation().batch([1, 1, -1, 0, -1, 1, 1])[-1] == pytest.approx(0.8 / 4.8)
    assert f.SignAutocorrelation(lag=2, window=3).batch([1, 1, -1, -1, 1, 1])[-1] == pytest.approx(-1.0)  # (1, -1), (-1, 1), (-1, 1)


def test_pin_likelihood() -> None:
    from framework.stages.features.pin import log_likelihood

    theta, step = np.array([0.4, 0.5, 2.0, 1.0, 1.0]), 1e-6
    value, gradient = log_likelihood(theta, [3], [1])
    # 0.2 e^-3 3^3 e^-1 + 0.2 e^-1 e^-3 3 + 0.6 e^-2
    assert value == pytest.approx(math.log(6 * math.exp(-4) + 0.6 * math.exp(-2)), rel=1e-14)
    numeric = [
        (log_likelihood(theta + step * unit, [3, 0], [1, 2])[0] - log_likelihood(theta - step * unit, [3, 0], [1, 2])[0]) / (2 * step)
        for unit in np.eye(5)
    ]
    np.testing.assert_allclose(log_likelihood(theta, [3, 0], [1, 2])[1], numeric, rtol=1e-7)
    assert np.isfinite(gradient).all()
    assert math.isfinite(log_likelihood([0.4, 0.5, 4e5, 8e5, 7e5], [1_200_000], [700_000])[0])


def test_pin_wants_counts() -> None:
    with pytest.raises(InputError, match=r"buys\[1\] = 2.5; rule: whole numbers"):
        f.fit_pin([1, 2.5], [1, 2])
    with pytest.raises(InputError, match="1 days of buys and 2 of sells"):
        f.fit_pin([1], [1, 2])
