"""Trades, quotes and bars to bars: by time, by sessions, by ticks, volume, dollars, imbalance or runs.

    resample(recording, every="5min")                       bars of UTC
    resample(recording, every="session", calendar="XNYS")   one bar a session, closed at its close
    resample(recording, volume=10_000)                      a bar each 10,000 units traded

A bar by time covers [open, close): a trade stamped exactly at the close belongs to the next bar, as venues do it. It is stamped at its
close, `ts_local_ns` being the clock, and written when it is known: with the first event at or after the close. A source bar stamped T
tells of the time up to T, so a minute stamped 10:05 belongs to the five minutes that close at 10:05.

A bar by activity closes with the trade that completes it and carries its stamps. That trade is kept whole: the bar holds more than was
asked for by what it is too large (Lopez de Prado, Advances in Financial Machine Learning, 2018, section 2.3.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from framework.data.checks.ranges import check_ranges
from framework.data.series.activity_bars import ActivityBars, Expectations, Measure
from framework.data.series.time_bars import SOURCES, Empty, Every, Of, Origin, Outside, TimeBars
from framework.data.tape import Tape
from framework.data.tape.parts import distinct, name_of, parts_of
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError, InputError, did_you_mean
from framework.schema.event import Kind

__all__ = ["ActivityBars", "Expectations", "TimeBars", "resample"]


def resample(
    source: Recording | Tape,
    *,
    every: Every | None = None,
    ticks: int | None = None,
    volume: float | None = None,
    dollars: float | None = None,
    imbalance: Expectations | None = None,
    runs: Expectations | None = None,
    of: Of = "trade",
    origin: Origin = "midnight",
    calendar: str | None = None,
    empty: Empty = "skip",
    outside: Outside = "refuse",
    unfinished: Literal["leave_out", "keep"] = "leave_out",
) -> Recording:
    """Bars of a recording or a tape, part by part in bounded memory. Exactly one of `every` to `runs` is given.

    Args:
        source: trades, quotes or bars of any number of instruments.
        every, of, origin, calendar, empty, outside: see `TimeBars`; all but `every` go with it only.
        ticks, volume, dollars, imbalance, runs: see `ActivityBars`.
        unfinished: "leave_out" or "keep" the bar that has not closed when the source ends.

    Returns:
        BAR events, and splits, dividends, funding, halts and delistings as they came. Instruments have `bar_interval_ns` set, 0 where
        bars have no fixed length.

    Raises:
        InputError: settings that contradict each other. While reading: DataError where the source has nothing of what is asked for.
    """
    rules = {"every": every, "ticks": ticks, "volume": volume, "dollars": dollars, "imbalance": imbalance, "runs": runs}
    given = {name: value for name, value in rules.items() if value is not None}
    if len(given) != 1:
        raise InputError(f"resample: {', '.join(given) or 'nothing'} given. Give one of {', '.join(rules)}.")
    if unfinished not in ("leave_out", "keep"):
        raise InputError(f"unfinished={unfinished!r} is unknown. {did_you_mean(unfinished, ('leave_out', 'keep'))}")
    chosen = {"of": of != "trade", "origin": origin != "midnight", "calendar": calendar is not None, "empty": empty != "skip"}
    if every is None and any(chosen.values()):
        raise InputError(f"resample: {next(name for name, told in chosen.items() if told)}= goes with every= only.")

    def maker() -> TimeBars | ActivityBars:
        if every is not None:
            return TimeBars(source.instruments, every, of=of, origin=origin, calendar=calendar, empty=empty, outside=outside)
        measure: Measure = "ticks" if ticks is not None else "volume" if volume is not None else "dollars"
        threshold = next((value for value in (ticks, volume, dollars) if value is not None), None)
        return ActivityBars(source.instruments, measure, threshold, imbalance=imbalance, runs=runs)

    notes = [_described(of, given)]
    if empty == "flat":
        notes.append("Intervals without events have a bar at the last close with volume 0.")
    if outside == "leave_out" and "session" in (every, origin):
        notes.append("Events outside the sessions are left out of the bars.")
    if unfinished == "keep":
        notes.append("The last bar of each instrument may not be complete.")
    bars_of = maker().instruments
    return Recording(bars_of, lambda: _parts(source, maker(), of, unfinished), name_of(source), (*source.notes, *notes))


def _parts(source: Recording | Tape, bars: TimeBars | ActivityBars, of: Of, unfinished: str) -> Iterator[Events]:
    kinds: set[int] = set()
    for part in parts_of(source):
        kinds.update(distinct(part["kind"]))
        yield _in_range(bars.apply(part), bars)
    wanted = SOURCES[of][0]
    if wanted not in kinds:
        there = ", ".join(Kind(kind).name for kind in sorted(kinds)) or "no event at all"
        raise DataError(f"{name_of(source)}: bars are to be made of {wanted.name}, but there is {there}. Choose with of=.")
    yield _in_range(bars.flush(), bars)
    if unfinished == "keep":
        yield _in_range(bars.keep(), bars)


def _in_range(events: Events, bars: TimeBars | ActivityBars) -> Events:
    check_ranges(events, bars.instruments)
    return events


def _described(of: Of, given: Mapping[str, object]) -> str:
    prices = {"trade": "trades", "bar": "shorter bars"}.get(of, f"the {of} of quotes")
    (rule,) = (f"{name}={value}" for name, value in given.items())
    return f"Bars were made of {prices}, {rule}."
