"""Arrays as strategies: worked examples, the same bytes as hooks in Python, and what the audit says of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.bench.strategies import UniverseWeights
from framework.data.readers import read_bars
from framework.data.tape import Tape
from framework.errors import ReplayMismatch
from framework.prove import prove
from framework.simulation.arrays import as_strategy
from framework.simulation.audited_run import replay
from tests.simulation.followers import Follower, QuantityFollower

NAN = np.nan
DAYS = pd.date_range("2024-03-01", periods=4, freq="D", tz="UTC")
COSTS = {"fee_bps": 2.0, "half_spread_bps": 1.0, "impact": {"model": "square_root"}, "max_participation": 0.4}


def bars(opens: list[float], closes: list[float]) -> pd.DataFrame:
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    columns = {"open": opens, "high": high, "low": low, "close": closes, "volume": 10_000.0}
    return pd.DataFrame(columns, index=DAYS[: len(opens)])


def market(symbols: int = 4, days: int = 60) -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(3)
    index = pd.date_range("2020-01-01", periods=days, freq="D", tz="UTC")
    made = {}
    for k in range(symbols):
        close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.02, days))), 2)
        opens = np.round(close * (1 + random.normal(0, 0.005, days)), 2)
        high, low = np.maximum(opens, close), np.minimum(opens, close)
        made[f"S{k}"] = pd.DataFrame({"open": opens, "high": high, "low": low, "close": close, "volume": 20_000.0}, index=index)
    return made


def random_weights(frames: dict[str, pd.DataFrame], total: float = 0.9) -> pd.DataFrame:
    """Some rows, some cells NaN, some 0."""
    random = np.random.default_rng(4)
    index = next(iter(frames.values())).index[::3]
    drawn = random.random((len(index), len(frames))) * (random.random((len(index), len(frames))) < 0.7)
    table = pd.DataFrame(total * drawn / np.maximum(drawn.sum(axis=1, keepdims=True), 0.1), index=index, columns=list(frames))
    return table.mask(random.random(table.shape) < 0.25)


def test_weights_worked_by_hand() -> None:
    """Whole shares, 10 bp of fees, which come out of the position.

    Day 1, equity 10,000. A: 0.5 x 10,000 / 100 = 50, less its fee of 5 = 0.05 shares: 49. B: 0.25 x (10,000 - 4.90) / 50 = 49.98,
    less 0.05: 49. Filled at 101 and 49: cash 10,000 - 4,949 - 4.949 - 2,401 - 2.401 = 2,642.65.
    Day 2, equity 2,642.65 + 49 x 110 + 49 x 40 = 9,992.65. A: 0.2 x 9,992.65 / 110 = 18.17, less 0.03: 18, sell 31, reduced first.
    B: 0.5 x (9,992.65 - 3.41) / 40 = 124.87, less 0.08: 124, buy 75. Filled at 112 and 42: cash 2,642.65 + 3,472 - 3.472 - 3,150 - 3.15.
    Day 3 holds A and closes B: sell 124, filled at 40.
    """
    data = {"A": bars([100, 101, 112, 113], [100, 110, 112, 113]), "B": bars([50, 49, 42, 40], [50, 40, 41, 39])}
    weights = pd.DataFrame({"B": [0.25, 0.5, 0.0], "A": [0.5, 0.2, NAN]}, index=DAYS[:3])
    result = backtest(weights=weights, data=data, cash=10_000, costs={"fee_bps": 10.0}, lot_size=1)
    fills = result.fills[["instrument", "side", "quantity", "market_price"]].to_numpy().tolist()
    assert fills == [["A", "BUY", 49, 101], ["B", "BUY", 49, 49], ["A", "SELL", 31, 112], ["B", "BUY", 75, 42], ["B", "SELL", 124, 40]]
    third = 2_642.65 + 3_472 - 3.472 - 3_150 - 3.15
    last = third + 124 * 40 - 4.96 + 18 * 113
    assert result.equity.tolist() == pytest.approx([10_000, 9_992.65, third + 18 * 112 + 124 * 41, last], abs=1e-9)
    assert result.name == "weights"


def test_targets_worked_by_hand() -> None:
    data = {"A": bars([10, 11, 12, 13], [10, 11, 12, 13]), "B": bars([5, 6, 7, 8], [5, 6, 7, 8])}
    targets = pd.DataFrame({"A": [30, 10, NAN], "B": [-20, -40, 0]}, index=DAYS[:3])
    result = backtest(targets=targets, data=data, cash=1_000, risk={"allow_short": True}, lot_size=10)
    fills = result.fills[["instrument", "side", "quantity", "market_price"]].to_numpy().tolist()
    assert fills == [["A", "BUY", 30, 11], ["B", "SELL", 20, 6], ["A", "SELL", 20, 12], ["B", "SELL", 20, 7], ["B", "BUY", 40, 8]]
    assert result.equity.iloc[-1] == 1_000 - 330 + 120 + 240 + 140 - 320 + 10 * 13


def test_a_target_off_the_lot_grid_is_refused_by_the_kernel() -> None:
    data = {"A": bars([10, 11], [10, 11])}
    result = backtest(targets=pd.DataFrame({"A": [15.0]}, index=DAYS[:1]), data=data, lot_size=10)
    assert result.refused[["reason", "need", "have"]].to_numpy().tolist() == [["NOT_A_LOT_MULTIPLE", 15.0, 10.0]]


def test_exits_pay_for_entries() -> None:
    data = {symbol: bars([10, 10, 10], [10, 10, 10]) for symbol in ("A", "B", "Z")}
    weights = pd.DataFrame({"A": [0.0, 0.6], "B": [0.4, 0.4], "Z": [0.6, 0.0]}, index=DAYS[:2])
    result = backtest(weights=weights, data=data, cash=1_000)
    assert result.orders[["instrument", "side", "state"]].to_numpy().tolist() == [
        *(["B", "BUY", "FILLED"], ["Z", "BUY", "FILLED"]),
        *(["Z", "SELL", "FILLED"], ["A", "BUY", "FILLED"]),
    ]
    assert result.refused.empty


def test_nan_and_missing_columns_hold() -> None:
    data = {symbol: bars([10, 10, 20, 20], [10, 10, 20, 20]) for symbol in ("A", "B", "C")}
    weights = pd.DataFrame({"A": [0.3, NAN, 0.0], "B": [0.3, NAN, NAN]}, index=DAYS[:3])
    result = backtest(weights=weights, data=data, cash=1_000)
    assert result.positions.iloc[-1].tolist() == [0.0, 30.0, 0.0]
    assert len(result.orders) == 3


@pytest.mark.parametrize("listed", [slice(None), slice(None, None, -1)])
def test_weights_are_the_same_bytes_as_hooks_in_python(listed: slice) -> None:
    frames = market()
    weights = random_weights(frames)
    arrays = backtest(weights=weights[weights.columns[listed]], data=frames, costs=COSTS)
    hooks = backtest(Follower(weights), frames, costs=COSTS)
    assert len(arrays.fills) > 30
    assert arrays.audit.records.tobytes() == hooks.audit.records.tobytes()
    pd.testing.assert_series_equal(arrays.equity, hooks.equity, check_exact=True)


def test_full_rows_are_target_weights() -> None:
    frames = market()
    weights = random_weights(frames).fillna(0.0)
    table = weights.reindex(frames["S0"].index)
    arrays = backtest(weights=weights, data=frames, costs=COSTS)
    hooks = backtest(UniverseWeights(table.to_numpy(), list(table)), frames, costs=COSTS)
    assert arrays.audit.records.tobytes() == hooks.audit.records.tobytes()


def test_targets_are_the_same_bytes_as_hooks_in_python() -> None:
    frames = market()
    targets = (random_weights(frames) * 10_000 - 1_500).round(-2)
    risk = {"allow_short": True, "max_leverage": 2.0}
    arrays = backtest(targets=targets, data=frames, costs=COSTS, risk=risk)
    hooks = backtest(QuantityFollower(targets), frames, costs=COSTS, risk=risk)
    assert len(arrays.fills) > 30
    assert arrays.audit.records.tobytes() == hooks.audit.records.tobytes()


def test_parts_of_the_tape_change_nothing() -> None:
    frames = market()
    weights = random_weights(frames)
    whole = backtest(weights=weights, data=frames, costs=COSTS)
    parts = [backtest(weights=weights, data=frames, costs=COSTS, chunk_events=size) for size in (1, 7, 50)]
    assert {result.audit_hash for result in parts} == {whole.audit_hash}


def test_a_year_of_whole_book_changes_has_room() -> None:
    """Each row turns the whole book over, so that log, outbox and orders must grow between rows."""
    frames = market(symbols=40, days=30)
    table = pd.DataFrame(0.0, index=frames["S0"].index, columns=list(frames))
    table.iloc[::2, ::2], table.iloc[1::2, 1::2] = 0.04, 0.04
    result = backtest(weights=table, data=frames)
    assert len(result.orders) == 20 + 40 * 29  # the first row only opens
    assert result.audit.records.tobytes() == backtest(Follower(table), frames).audit.records.tobytes()


def test_arrays_and_series_are_taken() -> None:
    frames = market(symbols=1)
    weights = random_weights(frames)
    full = weights.reindex(frames["S0"].index)
    expected = backtest(weights=weights, data=frames)
    for given in (full.to_numpy(), weights["S0"], weights["S0"].rename(None), weights["S0"].astype("Float64")):
        assert backtest(weights=given, data=frames).audit_hash == expected.audit_hash
    several = market()
    one = backtest(weights=weights["S0"], data=several)
    assert one.audit_hash == backtest(weights=weights[["S0"]], data=several).audit_hash


def test_dates_name_the_sessions_of_a_calendar() -> None:
    data = {"data": "us_equities_daily", "start": "2012-11-19", "end": "2012-11-30"}
    dates = pd.DatetimeIndex(["2012-11-20", "2012-11-23"])  # the second is a half-day
    zoned = pd.DatetimeIndex(["2012-11-20 21:00", "2012-11-23 18:00"], tz="UTC")
    columns = {"IBM": [0.5, 0.1], "MSFT": [0.2, NAN]}
    named, exact = (backtest(weights=pd.DataFrame(columns, index=index), **data) for index in (dates, zoned))  # type: ignore[arg-type]
    assert len(named.fills) == 3
    assert named.audit_hash == exact.audit_hash


def test_another_matrix_is_another_header() -> None:
    frames = market(symbols=2)
    weights = random_weights(frames)
    changed = weights.copy()
    changed.iloc[-1, 0] = 0.123
    moved = weights.rename(columns={"S0": "S1", "S1": "S0"})
    with_idle_rows = weights.reindex(frames["S0"].index)
    first, second, third, fourth = (backtest(weights=one, data=frames) for one in (weights, changed, moved, with_idle_rows))
    assert len({result.audit_hash for result in (first, second, third)}) == 3
    assert fourth.audit_hash == first.audit_hash  # rows that hold everything decide nothing
    parameters = first.audit.header["parameters"]
    rows = int(weights.notna().any(axis=1).sum())
    assert isinstance(parameters, dict)
    assert (parameters["mode"], parameters["rows"], parameters["columns"], len(parameters["digest"])) == ("weights", rows, 2, 32)


@pytest.fixture
def tape() -> Tape:
    return read_bars(market())


def test_the_audit_replays_from_the_same_arrays(tape: Tape) -> None:
    weights = random_weights(market())
    ran = backtest(weights=weights, data=tape, costs=COSTS)
    assert replay(None, tape, ran.audit, weights=weights).audit_hash == ran.audit_hash
    other = weights.copy()
    other.iloc[10:] = 0.01
    with pytest.raises(ReplayMismatch, match="record"):
        replay(None, tape, ran.audit, weights=other)


def test_python_hooks_of_the_panel_leave_the_same_audit(tape: Tape) -> None:
    panel = as_strategy(weights=random_weights(market()), tape=tape)
    compiled = backtest(panel, tape, costs=COSTS)
    panel.runs_compiled = False
    assert backtest(panel, tape, costs=COSTS).audit_hash == compiled.audit_hash
    assert backtest(panel, tape, costs=COSTS).audit_hash == compiled.audit_hash  # it starts anew in each run


def momentum(frames: dict[str, pd.DataFrame]) -> Strategy:
    closes = pd.DataFrame({symbol: frame["close"] for symbol, frame in frames.items()})
    return as_strategy(weights=(closes > closes.shift(5)) * 0.2)


def knows_tomorrow(frames: dict[str, pd.DataFrame]) -> Strategy:
    closes = pd.DataFrame({symbol: frame["close"] for symbol, frame in frames.items()})
    return as_strategy(weights=(closes.shift(-1) > closes) * 0.2)


def test_prove_takes_arrays() -> None:
    checks = ["look_ahead", "irrelevant_instrument", "tape_split"]
    assert prove(momentum, market(3), points=3, checks=checks).passed
    assert not prove(knows_tomorrow, market(3), points=3, checks=["look_ahead"]).passed


class LooksBack(Strategy):
    """Buys on the thirtieth bar."""

    def on_bar(self, view, bar):
        if view.bar_count("S0") == 30:
            view.target_weight("S0", 0.5)


class LooksNoWhere(LooksBack):
    history = 2


def test_costs_do_not_depend_on_how_far_a_strategy_looks_back() -> None:
    """Impact takes the volatility of 25 bars; a strategy that keeps 2 must not make it that of 1."""
    costs = {"impact": {"model": "square_root", "volatility_bars": 25}}
    far, near = (backtest(strategy(), market(1), costs=costs) for strategy in (LooksBack, LooksNoWhere))
    assert far.fills["slippage"].iloc[0] > 0
    assert near.audit.records.tobytes() == far.audit.records.tobytes()
