"""Estimators on data simulated from their own models: they find what was put in, within what their theory allows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from framework.stages import features as f
from framework.stages.features.pin import log_likelihood


def test_roll_finds_the_bounce() -> None:
    """Price = random walk + side x 0.05. Covariance -c^2; its error is that of products of neighbouring changes, taken from the sample."""
    random = np.random.default_rng(1)
    n, half = 20_000, 0.05
    prices = 100 + np.cumsum(random.normal(0, 0.02, n)) + half * random.choice([-1, 1], n)
    changes = np.diff(prices)
    products = changes[1:] * changes[:-1]
    error = products.std() * math.sqrt(3 / n)  # neighbours of neighbours hang together: at most three terms
    found = f.RollSpread().batch(prices)[-1]
    assert abs(found**2 / 4 - half**2) < 3 * error
    assert error < half**2 / 10


def test_lambda_finds_the_slope() -> None:
    """Change = lambda x flow + noise: the standard error of least squares."""
    random = np.random.default_rng(2)
    n, slope, noise, flow = 2_000, 0.02, 0.5, random.normal(0, 30, 2_000)
    mids = 1_000 + np.cumsum(slope * flow + random.normal(0, noise, n))
    feature = f.KyleLambda(10)
    error = noise / (30 * math.sqrt(n))
    assert abs(feature.batch(np.arange(n) * 10, mids, flow)[-1] - slope) < 3 * error
    assert feature.standard_error == pytest.approx(error, rel=0.1)


def test_two_scales_see_through_noise() -> None:
    """Variance V over n steps plus noise of deviation d. Zhang et al.: 8 d^4 n / K^2 of noise and (4 / 3) K V^2 / n of sampling."""
    random = np.random.default_rng(3)
    n, variance, noise, scale = 23_400, 4e-4, 5e-4, 100
    prices = np.exp(np.cumsum(random.normal(0, math.sqrt(variance / n), n)) + random.normal(0, noise, n))
    error = math.sqrt(8 * noise**4 * n / scale**2 + 4 / 3 * scale * variance**2 / n)
    assert abs(f.TwoScaleVariance(scale).batch(np.arange(n), prices)[-1] - variance) < 3 * error
    plain = f.RealisedVariance().batch(np.arange(n), prices)[-1]
    assert plain == pytest.approx(variance + 2 * n * noise**2, rel=0.05)  # which is thirty times the variance


def test_bipower_passes_over_a_jump() -> None:
    """One jump of 0.05 in a variance of 4e-4: bipower sees it only times its small neighbours, 2 x 0.05 x E|r| x pi / 2."""
    random = np.random.default_rng(4)
    n, variance, jump = 23_400, 4e-4, 0.05
    returns = random.normal(0, math.sqrt(variance / n), n)
    returns[n // 2] += jump
    prices = np.exp(np.cumsum(returns))
    left = math.pi / 2 * 2 * jump * math.sqrt(2 / math.pi * variance / n)
    error = variance * math.sqrt(2.61 / n)
    assert abs(f.BipowerVariation().batch(np.arange(n), prices)[-1] - variance - left) < 3 * error + left
    assert f.RealisedVariance().batch(np.arange(n), prices)[-1] == pytest.approx(variance + jump**2, rel=0.05)


def test_pin_finds_its_parameters() -> None:
    """Days drawn from the model. Most of PIN's error is that of alpha, sqrt(alpha (1 - alpha) / days)."""
    pytest.importorskip("scipy")
    random = np.random.default_rng(5)
    days, alpha, delta, mu, buy_rate, sell_rate = 250, 0.4, 0.5, 80.0, 60.0, 50.0
    news, bad = random.random(days) < alpha, random.random(days) < delta
    buys = random.poisson(buy_rate + mu * (news & ~bad))
    sells = random.poisson(sell_rate + mu * (news & bad))
    found = f.fit_pin(buys, sells)
    truth = alpha * mu / (alpha * mu + buy_rate + sell_rate)
    error = math.sqrt(alpha * (1 - alpha) / days) * mu * (buy_rate + sell_rate) / (alpha * mu + buy_rate + sell_rate) ** 2
    assert abs(found.pin - truth) < 3 * error
    assert abs(found.alpha - alpha) < 3 * math.sqrt(alpha * (1 - alpha) / days)
    assert abs(found.delta - delta) < 3 * math.sqrt(delta * (1 - delta) / news.sum())
    for rate, true in ((found.mu, mu), (found.epsilon_buy, buy_rate), (found.epsilon_sell, sell_rate)):
        assert abs(rate - true) < 4 * math.sqrt(2 * (true + buy_rate) / (alpha * days / 2))
    assert found.starts[0] > 1


@pytest.mark.parametrize(
    ("buy_rate", "sell_rate", "mu"),
    [
        (2e3, 2.1e3, 600.0),
        (2e4, 2.1e4, 6e3),
        (2e5, 2.1e5, 6e4),
        (1e6, 9e5, 3e5),
        (1e6, 1e6, 1e4),
        (1e6, 1e4, 2e4),
    ],
)
def test_pin_finds_the_maximum_of_many_trades(buy_rate: float, sell_rate: float, mu: float) -> None:
    """News moves counts by ten deviations and more, so every day tells its kind: the shares of the kinds of days are the maximum.

    The rates lie within their sampling errors of the truth, and the maximum is no lower than the likelihood of the truth.
    """
    pytest.importorskip("scipy")
    random = np.random.default_rng(0)
    days = 120
    news, bad = random.random(days) < 0.3, random.random(days) < 0.8
    buys = random.poisson(buy_rate + mu * (news & ~bad))
    sells = random.poisson(sell_rate + mu * (news & bad))
    found = f.fit_pin(buys, sells)
    assert found.alpha == pytest.approx(news.mean(), abs=1e-4)
    assert found.delta == pytest.approx(bad[news].mean(), abs=1e-4)
    for rate, true in ((found.mu, mu), (found.epsilon_buy, buy_rate), (found.epsilon_sell, sell_rate)):
        assert abs(rate - true) < 4 * math.sqrt((true + buy_rate + sell_rate) / (news & ~bad).sum())
    value, slope = log_likelihood((found.alpha, found.delta, found.mu, found.epsilon_buy, found.epsilon_sell), buys, sells)
    assert found.log_likelihood == pytest.approx(value, rel=1e-12)
    true_value, _ = log_likelihood((news.mean(), bad[news].mean(), mu, buy_rate, sell_rate), buys, sells)
    assert value >= true_value
    errors = np.array([1.0, 1.0, *[math.sqrt(buy_rate)] * 3])
    assert np.abs(slope * errors).max() < 1e-2  # a root's error away nothing is gained


def test_vpin_of_balanced_and_of_one_sided_flow() -> None:
    """Changes of N(0, 1) split by N(0, 1) give shares uniform on (0, 1): |2 share - 1| has the mean 1/2. A steady climb buys all."""
    random = np.random.default_rng(6)
    n, buckets = 20_000, 5_000
    prices = 1e4 + np.cumsum(random.normal(0, 1, n))
    found = f.Vpin(10.0, buckets, bar_ns=0, sigma=1.0).batch(np.arange(n), prices, np.full(n, 10.0))[-1]
    assert abs(found - 0.5) < 3 * math.sqrt(1 / 12 / buckets)
    climb = f.Vpin(10.0, 50, bar_ns=0, sigma=1.0).batch(np.arange(100), 100 + 9.0 * np.arange(100), np.full(100, 10.0))[-1]
    assert climb == pytest.approx(1.0)


def test_the_micro_price_is_where_the_mid_goes() -> None:
    """In a simulated market the mean of the mid long after is the micro-price, state by state, and the mid itself is not."""
    random = np.random.default_rng(7)
    n, levels = 400_000, 4
    cents, state = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    price, at = 10_000, 1
    draws = random.random((n, 2))
    for k in range(n):
        cents[k], state[k] = price, at
        chance = (at + 0.5) / levels  # the heavier the bid, the sooner the price rises
        if draws[k, 0] < 0.2:
            up = draws[k, 1] < chance
            price, at = price + (1 if up else -1), (1 if up else 2)  # the side that was taken is thin afterwards
        else:
            at = min(max(at + (1 if draws[k, 1] < 0.5 else -1), 0), levels - 1)
    bid_size = 2.0 * state + 1.0
    books = (cents / 100, bid_size, (cents + 1) / 100, 8.0 - bid_size)
    fitted = f.MicroPrice.fit(*books, tick=0.01, buckets=levels, spreads=1)
    later = 100
    for which in range(levels):
        rows = np.flatnonzero(state[:-later] == which)
        moves = (cents[rows + later] - cents[rows]) / 100
        error = moves.std() * math.sqrt(2 * later / len(rows))  # looks ahead overlap
        assert abs(moves.mean() - fitted.adjustment[0, which]) < 3 * error
    assert abs(fitted.adjustment[0]).min() > 3e-4
