"""Signals: what an entry and an exit do, and the same bytes as hooks in Python."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from framework import Signals, backtest
from framework.data.readers import read_bars
from framework.simulation.audited_run import replay
from tests.simulation.followers import SignalFollower
from tests.simulation.test_arrays import COSTS, DAYS, bars, market

SHORT = {"allow_short": True}


def one(values: str, mark: str) -> pd.DataFrame:
    """One column `A`, true on the days where the mark stands."""
    return pd.DataFrame({"A": [mark in day for day in values.split()]}, index=DAYS[: len(values.split())])


def orders_of(values: str, **settings: object) -> list[tuple[str, float]]:
    """Orders of a drawing: e entry, x exit, s short entry, c short exit (cover), one word a day."""
    signals = Signals(one(values, "e"), one(values, "x"), one(values, "s"), one(values, "c"), quantity=10.0)
    result = backtest(signals=signals, data={"A": bars([10] * 4, [10] * 4)}, risk={**SHORT, "max_leverage": 2.0}, **settings)  # type: ignore[arg-type]
    return list(zip(result.orders["side"], result.orders["quantity"], strict=True))


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("e - - -", [("BUY", 10)]),
        ("e e e e", [("BUY", 10)]),  # repeated entries do not rebalance
        ("e - x x", [("BUY", 10), ("SELL", 10)]),
        ("x x e -", [("BUY", 10)]),  # an exit of nothing does nothing
        ("s s c c", [("SELL", 10), ("BUY", 10)]),
        ("e - c -", [("BUY", 10)]),  # covering does not close a long position
        ("s - x -", [("SELL", 10)]),
        ("e - s -", [("BUY", 10), ("SELL", 20)]),  # a short entry turns a long position over
        ("s - e -", [("SELL", 10), ("BUY", 20)]),
        ("e - xs -", [("BUY", 10), ("SELL", 20)]),
        ("s - ce -", [("SELL", 10), ("BUY", 20)]),
        ("e xc xc sx", [("BUY", 10), ("SELL", 10), ("SELL", 10)]),
    ],
)
def test_what_signals_order(days: str, expected: list[tuple[str, float]]) -> None:
    assert orders_of(days) == expected


def test_what_works_counts_as_held() -> None:
    """The order takes 36 hours to the venue: the entry is not repeated, and the exit calls it off."""
    slow = {"latency": {"entry_ns": 36 * 3600 * 10**9}}
    assert orders_of("e e - -", **slow) == [("BUY", 10)]
    result = backtest(
        signals=Signals(one("e - - -", "e"), one("- x - -", "x"), quantity=10.0), data={"A": bars([10] * 4, [10] * 4)}, **slow
    )  # fmt: skip
    assert result.orders[["side", "state", "reason"]].to_numpy().tolist() == [["BUY", "CANCELLED", "SUPERSEDED"]]


def test_an_exit_pays_for_an_entry() -> None:
    data = {symbol: bars([10, 10, 10], [10, 10, 10]) for symbol in ("A", "Z")}
    entries = pd.DataFrame({"A": [False, True], "Z": [True, False]}, index=DAYS[:2])
    exits = pd.DataFrame({"A": [False, False], "Z": [False, True]}, index=DAYS[:2])
    result = backtest(signals=Signals(entries, exits, weight=1.0), data=data, cash=1_000)
    assert result.orders[["instrument", "side", "state"]].to_numpy().tolist() == [
        *(["Z", "BUY", "FILLED"], ["Z", "SELL", "FILLED"], ["A", "BUY", "FILLED"])
    ]


def test_the_weight_of_an_entry() -> None:
    data = {symbol: bars([10, 10], [10, 10]) for symbol in ("A", "B")}
    entries = pd.DataFrame(True, index=DAYS[:1], columns=["A", "B"])
    equal = backtest(signals=(entries, ~entries), data=data, cash=1_000)
    assert equal.fills["quantity"].tolist() == [50, 50]  # max_leverage 1 over two columns
    levered = backtest(signals=(entries, ~entries), data=data, cash=1_000, risk={"max_leverage": 3.0})
    assert levered.fills["quantity"].tolist() == [150, 150]
    chosen = backtest(signals=Signals(entries, ~entries, weight=0.2), data=data, cash=1_000)
    assert chosen.fills["quantity"].tolist() == [20, 20]
    headers = [result.audit.header["parameters"] for result in (equal, chosen)]
    assert [header["weight"] for header in headers] == [0.5, 0.2]  # type: ignore[index]
    assert equal.name == "signals"


def random_signals(frames: dict[str, pd.DataFrame], seed: int = 5) -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(seed)
    index, columns = next(iter(frames.values())).index[::2], list(frames)
    drawn = random.random((len(index), len(columns)))
    edges = {"entries": (0.0, 0.15), "exits": (0.3, 0.45), "short_entries": (0.4, 0.6), "short_exits": (0.6, 0.7)}
    return {name: pd.DataFrame((low <= drawn) & (drawn < high), index=index, columns=columns) for name, (low, high) in edges.items()}


@pytest.mark.parametrize(("size", "in_units"), [(0.3, False), (700.0, True)])
def test_signals_are_the_same_bytes_as_hooks_in_python(size: float, in_units: bool) -> None:
    frames, risk = market(), {"allow_short": True, "max_leverage": 2.0}
    drawn = random_signals(frames)
    signals = Signals(**drawn, quantity=size) if in_units else Signals(**drawn, weight=size)
    arrays = backtest(signals=signals, data=frames, costs=COSTS, risk=risk)
    hooks = backtest(SignalFollower(drawn, size, in_units=in_units), frames, costs=COSTS, risk=risk)
    assert len(arrays.fills) > 30
    assert arrays.audit.records.tobytes() == hooks.audit.records.tobytes()


def test_signals_replay_and_split_alike() -> None:
    tape, risk = read_bars(market()), {"allow_short": True, "max_leverage": 2.0}
    signals = Signals(**random_signals(market()))
    ran = backtest(signals=signals, data=tape, costs=COSTS, risk=risk)
    assert backtest(signals=signals, data=tape, costs=COSTS, risk=risk, chunk_events=9).audit_hash == ran.audit_hash
    assert replay(None, tape, ran.audit, signals=signals).audit_hash == ran.audit_hash
