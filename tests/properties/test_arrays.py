"""Any small matrix over any small market: the kernel follows it as a strategy in Python would, byte for byte."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from framework import Signals, Strategy, backtest
from framework.data.tape import Tape
from framework.reports.result import Result
from framework.simulation.arrays import as_strategy
from framework.simulation.audited_run import replay
from tests.properties.random_runs import Case, cases, tape_of
from tests.simulation.followers import Follower, QuantityFollower, SignalFollower

FEW = settings(max_examples=60, deadline=None)
KINDS = ("entries", "exits", "short_entries", "short_exits")


@st.composite
def matrices(draw: st.DrawFn) -> tuple[Case, Tape, pd.DataFrame]:
    """A market and whole numbers 0 to 9 for some of its stamps and papers, -1 for nothing."""
    case = draw(cases(max_wishes=2))
    tape = tape_of(case)
    stamps = draw(st.sets(st.sampled_from(tape.bar_stamps.tolist()), min_size=1, max_size=8))
    symbols = draw(st.permutations([paper.symbol for paper in case.papers]))
    kept = symbols[: draw(st.integers(1, len(symbols)))]
    rows = draw(st.lists(st.lists(st.integers(-1, 9), min_size=len(kept), max_size=len(kept)), min_size=len(stamps), max_size=len(stamps)))
    return case, tape, pd.DataFrame(rows, index=pd.to_datetime(sorted(stamps), utc=True), columns=kept)


def run(case: Case, tape: Tape, strategy: Strategy, *, chunk_events: int | None = None) -> Result:
    parts = chunk_events or case.chunk_events
    return backtest(strategy, tape, cash=case.cash, costs=case.costs, risk=case.risk, latency=case.latency, chunk_events=parts)


def same(case: Case, tape: Tape, arrays: dict[str, object], follower: Strategy) -> None:
    panel = as_strategy(**arrays, tape=tape, risk=case.risk)  # type: ignore[arg-type]
    result = run(case, tape, panel)
    assert result.audit.records.tobytes() == run(case, tape, follower).audit.records.tobytes()
    assert run(case, tape, panel, chunk_events=3).audit_hash == result.audit_hash
    assert replay(None, tape, result.audit, **arrays).audit_hash == result.audit_hash  # type: ignore[arg-type]


def signed(numbers: pd.DataFrame, case: Case) -> pd.DataFrame:
    """-4 to 5 where shorts are allowed, else 0 to 9; NaN for nothing."""
    shown = numbers.astype(float).mask(numbers < 0)
    return shown - 4.0 if case.risk.get("allow_short") else shown


@FEW
@given(matrices())
def test_weights(drawn: tuple[Case, Tape, pd.DataFrame]) -> None:
    case, tape, numbers = drawn
    table = signed(numbers, case)
    weights = table / table.abs().sum(axis=1).max() * case.risk.get("max_leverage", 1.0) if np.nansum(table.abs()) else table
    if weights.notna().any(axis=None):
        same(case, tape, {"weights": weights}, Follower(weights))


@FEW
@given(matrices(), st.sampled_from((1.0, 0.5, 100.0)))
def test_targets(drawn: tuple[Case, Tape, pd.DataFrame], step: float) -> None:
    case, tape, numbers = drawn
    targets = signed(numbers, case) * step
    if targets.notna().any(axis=None):
        same(case, tape, {"targets": targets}, QuantityFollower(targets))


@FEW
@given(matrices(), st.sampled_from((None, 0.1, 1.0)), st.sampled_from((1.0, 100.0)))
def test_signals(drawn: tuple[Case, Tape, pd.DataFrame], weight: float | None, quantity: float) -> None:
    case, tape, numbers = drawn
    short = bool(case.risk.get("allow_short"))
    true_for = {
        "entries": (1, 2),
        "exits": (3, 6),
        "short_entries": (4, 6),
        "short_exits": (2, 3),
    }  # 2: cover and enter, 6: exit and go short
    frames = {name: numbers.isin(true_for[name]) for name in (KINDS if short else KINDS[:2])}
    size = quantity if weight is None else weight
    signals = Signals(**frames, quantity=quantity) if weight is None else Signals(**frames, weight=weight)
    same(case, tape, {"signals": signals}, SignalFollower(frames, size, in_units=weight is None))
