"""Bars against finer data: stamps proved to be closes or opens, and refused where they are neither."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from framework.data.formats import lean
from framework.data.quality.bar_stamps import closed_bars, verify_bar_stamps
from framework.data.tape.recording import Recording
from framework.errors import DataError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from tests.data.quality.good_files import MINUTE, SECOND, draw, walk

T0 = 1_672_531_200 * 10**9


def trades(rows: int = 3000) -> np.ndarray:
    events = np.zeros(rows, EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = T0 + 1 + np.sort(draw(1).integers(0, rows * 5, rows)) * SECOND
    events["kind"], events["w0"], events["w1"] = Kind.TRADE, np.rint(walk(rows, 0.0005, 2) * 100), 1
    return events


def bars_of(ticks: np.ndarray, *, at_open: bool) -> np.ndarray:
    """One-minute bars by a loop, the slow and sure way."""
    minutes = (ticks["ts_local_ns"] - 1) // MINUTE
    made = []
    for minute in sorted(set(minutes.tolist())):
        inside = ticks["w0"][minutes == minute]
        bar = np.zeros(1, EVENT)
        bar["ts_local_ns"] = bar["ts_venue_ns"] = (minute + (not at_open)) * MINUTE
        bar["kind"] = Kind.BAR
        bar["w0"], bar["w1"], bar["w2"], bar["w3"], bar["w4"] = inside[0], inside.max(), inside.min(), inside[-1], len(inside)
        made.append(bar)
    return np.concatenate(made)


def as_recording(events: np.ndarray, source: str) -> Recording:
    return Recording((Instrument("ACME"),), lambda: iter([events]), source)


@pytest.mark.parametrize("at_open", [False, True])
def test_stamps_are_proved_and_bars_end_at_their_closes(at_open: bool) -> None:
    bars = as_recording(bars_of(trades(), at_open=at_open), "bars")
    proof = verify_bar_stamps(bars, as_recording(trades(), "ticks"))
    assert proof.verdict == ("open" if at_open else "close")
    assert (proof.as_open if at_open else proof.as_close) == 1.0
    made = closed_bars(bars, as_recording(trades(), "ticks"))
    assert made.events().tobytes() == bars_of(trades(), at_open=False).tobytes()
    assert "Stamps verified against ticks" in made.notes[-1]
    assert ("were opens" in made.notes[-1]) == at_open


def test_what_is_not_proved_is_refused_with_its_numbers() -> None:
    bars = bars_of(trades(), at_open=False)
    bars["w1"][::3] += 4
    with pytest.raises(DataError, match=r"bars: ACME: of \d+ bars 6\d\.\d % .* rule: at least 90 %"):
        closed_bars(as_recording(bars, "bars"), as_recording(trades(), "ticks"))
    with pytest.raises(DataError, match="no bar has rows of ticks on both sides"):
        late = bars_of(trades(), at_open=False)
        late["ts_local_ns"] += 10**15
        verify_bar_stamps(as_recording(late, "bars"), as_recording(trades(), "ticks"))
    with pytest.raises(DataError, match="ticks: bars of 60 s; rule: at most half of the 60 s"):
        verify_bar_stamps(as_recording(bars, "bars"), as_recording(bars, "ticks"))


def test_minutes_of_lean_close_where_their_seconds_say(shared: Path) -> None:
    folder, reference = shared / "02_equity_intraday/Lean/equity/usa", shared / "00_reference/Lean"
    minutes = lean.read(folder / "minute/spy/20131007_trade.zip", reference=reference)
    seconds = lean.read(folder / "second/spy/20131007_trade.zip", reference=reference)
    proof = verify_bar_stamps(minutes, seconds)
    assert proof.verdict == "close" and proof.as_close == 1.0 and proof.as_open < 0.1
