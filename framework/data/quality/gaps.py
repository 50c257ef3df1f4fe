"""Rules over time: bars and sessions that are missing, ticks that stop, rows while the market is closed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from framework.data.quality.findings import Severity, lasting, shown
from framework.data.quality.row_rules import longest_by_chance
from framework.data.quality.session_rules import Hours, interval_of
from framework.data.quality.stretches import Ints, Stretch, Tally
from framework.data.reference.calendar import is_bars
from framework.data.tape.stamps import DAILY_FROM_NS
from framework.schema.event import Flag, Kind
from framework.schema.instrument import InstrumentKind
from framework.schema.units import NANOSECONDS_PER_DAY

LIQUID_FILL = 0.99
"""`missing_bars`: a feed that has so many of its bars should have all. A hole between two bars of more than the usual volume is a fault;
another one may be a time without a trade and is noted. Of a thinner feed only holes beyond chance are told."""
STEADY_VOLUME = 0.05
"""`missing_bars`: where 99 % of the bars have more than this share of the usual volume, none is without a trade: a hole is a fault."""
QUARTER_NS, RECURRING = 900 * 10**9, 0.3
"""`missing_bars`, `silence`: what begins in the same quarter of an hour on so many of the days, at least three, is the market's break."""
LEAST_BARS = 100
"""`missing_bars`: fewer bars do not tell how many are usual; their holes are noted."""
LEAST_HOLE = 3
"""`missing_bars`: so many bars more than chance explains are a hole, whatever the volume beside it."""
NIGHT_NS, NIGHT_BARS, NIGHTLY_SHARE = 4 * 3600 * 10**9, 8, 0.3
"""A market called open day and night that stops for four hours and eight bars on so many of its days is not: holes are not judged."""
SILENCE_NS, SILENCE_FACTOR, SILENCE_RANK = 600 * 10**9, 5, 20
"""`silence`: ten minutes without a tick, and five times as long as the 20th longest such pause."""
SILENCE_ROWS = 500
"""`silence`: fewer ticks do not tell how often one is due."""
EXTENDED_NS = 8 * 3600 * 10**9
"""`extended`: rows so near to a session belong to its day; farther away they are `closed`."""
WEEKDAYS_MISSING = 4
"""`missing_sessions` without a calendar: more weekdays in a row than a holiday takes (2001-09-11 took four)."""
_KEPT = 1_000


@dataclass(slots=True)
class _Bars:
    interval_ns: int
    rows: int = 0
    missing: int = 0
    last_ns: int | None = None
    nights: int = 0
    days: set[int] = field(default_factory=set)
    last_volume: int = 0
    holes: list[tuple[int, int, int, bool]] = field(default_factory=list)
    """How many bars, from, to, whether what trades around it leaves no room for a bar without a trade."""


@dataclass(slots=True)
class _Ticks:
    rows: int = 0
    last_ns: int | None = None
    days: set[int] = field(default_factory=set)
    pauses: list[tuple[int, int, int]] = field(default_factory=list)
    """Open time, from, to."""


class Gaps:
    """Collects what is missing; `limits` says what could not be judged."""

    def __init__(self) -> None:
        self.limits: list[str] = []
        self._bars: dict[str, _Bars] = {}
        self._ticks: dict[tuple[str, Kind], _Ticks] = {}
        self._sessions: dict[str, tuple[str, set[int]]] = {}

    def add(self, stretch: Stretch, tally: Tally) -> None:
        """Take rows of any kind."""
        stamps = stretch.stamps[stretch.begin : stretch.end]
        if stretch.kind is Kind.DEPTH:  # a snapshot may be taken while the market sleeps
            stamps = stamps[(stretch.events["flags"][stretch.begin : stretch.end] & int(Flag.SNAPSHOT)) == 0]
        if not len(stamps) or stretch.kind not in (Kind.BAR, Kind.QUOTE, Kind.TRADE, Kind.DEPTH):
            return
        hours = Hours.around(stretch.instrument.calendar, int(stamps.min()), int(stamps.max()))
        if hours is None:
            if not is_bars(stretch.instrument.calendar):
                self._limit(
                    f"{stretch.symbol}: calendar {stretch.instrument.calendar!r} does not reach these dates, so gaps are not judged."
                )
            return
        if stretch.kind is not Kind.DEPTH:
            self._mark_sessions(stretch, stamps, hours, tally)
        if stretch.kind is Kind.BAR:
            self._add_bars(stretch, stamps, hours)
        else:
            self._add_ticks(stretch, stamps, hours)

    def _limit(self, sentence: str) -> None:
        if sentence not in self.limits:
            self.limits.append(sentence)

    def _mark_sessions(self, stretch: Stretch, stamps: Ints, hours: Hours, tally: Tally) -> None:
        if hours.is_always_open:
            return
        at, inside = hours.session(stamps)
        calendar, seen = self._sessions.setdefault(stretch.symbol, (hours.calendar, set()))
        seen.update(hours.table.labels[np.unique(at[inside])].tolist())
        table = hours.table
        previous = np.maximum(at - 1, 0)
        distance = np.minimum(np.abs(table.open_ns[at] - stamps), np.abs(stamps - table.close_ns[previous]))
        outside = np.zeros(len(stretch.events), np.bool_)
        far = outside.copy()
        own = slice(stretch.begin, stretch.end)
        outside[own], far[own] = ~inside & (distance <= EXTENDED_NS), ~inside & (distance > EXTENDED_NS)
        whose = f"{calendar} is closed"
        if stretch.kind is Kind.BAR and interval_of(stamps, stretch.instrument.bar_interval_ns) >= DAILY_FROM_NS:
            beside = outside | far
            beside[own] |= inside & (table.close_ns[at] != stamps)
            tally.rows(stretch, "daily_stamp", "warning", beside, lambda row: f"no session of {calendar} closes then")
            return
        tally.rows(stretch, "extended", "note", outside, lambda row: whose)
        tally.rows(stretch, "closed", "warning", far, lambda row: f"{whose} all day")

    def _add_bars(self, stretch: Stretch, stamps: Ints, hours: Hours) -> None:
        known = self._bars.get(stretch.symbol)
        if known is None:
            known = self._bars[stretch.symbol] = _Bars(interval_of(stamps, stretch.instrument.bar_interval_ns))
        if not known.interval_ns:
            return
        joined = stamps if known.last_ns is None else np.concatenate([[known.last_ns], stamps])
        holes, inside = hours.due(joined, known.interval_ns).missing()
        at = np.flatnonzero((holes > 0) & (np.diff(joined) > 0))
        known.rows += int(inside.sum()) - (known.last_ns is not None)
        known.missing += int(holes[at].sum())
        known.nights += int((np.diff(joined) >= max(NIGHT_NS, NIGHT_BARS * known.interval_ns)).sum())
        known.days.update(np.unique(stamps // NANOSECONDS_PER_DAY).tolist())
        volumes = stretch.events["w4"][stretch.begin : stretch.end]
        ends = np.concatenate([np.full(len(joined) - len(stamps), known.last_volume), volumes])
        steady = np.quantile(volumes, 0.01) > STEADY_VOLUME * np.median(volumes)
        busy = (ends > np.median(volumes)) | steady
        known.holes += [(int(holes[k]), int(joined[k]), int(joined[k + 1]), bool(busy[k] and busy[k + 1])) for k in at.tolist()]
        known.holes.sort(reverse=True)
        del known.holes[_KEPT:]
        known.last_ns, known.last_volume = int(stamps[-1]), int(volumes[-1])

    def _add_ticks(self, stretch: Stretch, stamps: Ints, hours: Hours) -> None:
        known = self._ticks.setdefault((stretch.symbol, stretch.kind), _Ticks())
        joined = stamps if known.last_ns is None else np.concatenate([[known.last_ns], stamps])
        pauses = hours.pauses(joined)
        if hours.is_always_open and stretch.instrument.kind is InstrumentKind.FX:
            pauses = np.where(_weekends(joined), 0, pauses)
        at = np.argsort(pauses)[::-1][: 5 * SILENCE_RANK]
        known.pauses += [(int(pauses[k]), int(joined[k]), int(joined[k + 1])) for k in at.tolist()]
        known.pauses.sort(reverse=True)
        del known.pauses[5 * SILENCE_RANK :]
        known.rows += len(stamps)
        known.days.update(np.unique(stamps // NANOSECONDS_PER_DAY).tolist())
        known.last_ns = int(stamps[-1])

    def finish(self, tally: Tally) -> None:
        """Judge what was collected."""
        for symbol, bars in self._bars.items():
            self._judge_bars(symbol, bars, tally)
        for (symbol, kind), ticks in self._ticks.items():
            _judge_ticks(symbol, kind, ticks, tally)
        for symbol, (calendar, seen) in self._sessions.items():
            _judge_sessions(symbol, calendar, seen, tally)

    def _judge_bars(self, symbol: str, bars: _Bars, tally: Tally) -> None:
        if not bars.missing or (bars.interval_ns >= DAILY_FROM_NS and symbol in self._sessions):
            return  # of daily bars `missing_sessions` tells
        if symbol not in self._sessions and bars.nights > NIGHTLY_SHARE * len(bars.days) > 0 and bars.interval_ns < DAILY_FROM_NS:
            self._limit(
                f"{symbol}: its calendar says open day and night, but it stops for hours on most days, so gaps are not judged. "
                "Name the calendar that the market keeps (--calendar XNYS)."
            )
            return
        longest = bars.holes[0][0]
        rest = bars.missing - longest
        fill = bars.rows / max(bars.rows + rest, 1)
        bound = LEAST_HOLE + longest_by_chance(1 - fill, bars.rows + rest)
        if bars.rows < LEAST_BARS:
            _report(symbol, bars, bars.holes, "note", tally)
            return
        liquid = fill >= LIQUID_FILL
        usual = recurring([hole[1] for hole in bars.holes], len(bars.days))
        grave = [hole[0] > bound or (liquid and hole[3]) for hole in bars.holes]
        _report(
            symbol, bars, [hole for hole, bad, daily in zip(bars.holes, grave, usual, strict=True) if bad and not daily], "warning", tally
        )
        _report(symbol, bars, [hole for hole, bad, daily in zip(bars.holes, grave, usual, strict=True) if bad and daily], "note", tally)
        _report(symbol, bars, [hole for hole, bad in zip(bars.holes, grave, strict=True) if liquid and not bad], "note", tally)


def recurring(begins: list[int], days: int) -> list[bool]:
    """Which of some holes begin at a quarter of an hour at which they do so on most days: the market's own break."""
    quarters = [begin // QUARTER_NS % (NANOSECONDS_PER_DAY // QUARTER_NS) for begin in begins]
    counts = Counter(quarter for quarter, _ in set(zip(quarters, [begin // NANOSECONDS_PER_DAY for begin in begins], strict=True)))
    return [counts[quarter] >= max(3, RECURRING * days) for quarter in quarters]


def _report(symbol: str, bars: _Bars, holes: list[tuple[int, int, int, bool]], severity: Severity, tally: Tally) -> None:
    if not holes:
        return
    holes.sort(key=lambda hole: hole[1])
    examples = [
        f"{shown(begin)}: {count:,} of {lasting(bars.interval_ns)} missing until {shown(end)}" for count, begin, end, _ in holes[:5]
    ]
    tally.add(symbol, "missing_bars", severity, np.array([hole[1] for hole in holes]), examples, sum(hole[0] for hole in holes))


def _judge_ticks(symbol: str, kind: Kind, ticks: _Ticks, tally: Tally) -> None:
    if ticks.rows < SILENCE_ROWS or len(ticks.pauses) < SILENCE_RANK:
        return
    bound = max(SILENCE_NS, SILENCE_FACTOR * ticks.pauses[SILENCE_RANK - 1][0])
    usual_breaks = recurring([pause[1] for pause in ticks.pauses], len(ticks.days))
    told = [pause for pause, daily in zip(ticks.pauses, usual_breaks, strict=True) if pause[0] > bound and not daily]
    told.sort(key=lambda pause: pause[1])
    if told:
        usual = f"the {SILENCE_RANK}th longest pause is {lasting(ticks.pauses[SILENCE_RANK - 1][0])}"
        examples = [f"{shown(begin)}: no {kind.name} for {lasting(length)} of open market; {usual}" for length, begin, _ in told[:5]]
        tally.add(symbol, "silence", "warning", np.array([pause[1] for pause in told]), examples)


def _judge_sessions(symbol: str, calendar: str, seen: set[int], tally: Tally) -> None:
    if not seen:
        return
    first, last = min(seen), max(seen)
    hours = Hours.around(calendar, first * NANOSECONDS_PER_DAY, last * NANOSECONDS_PER_DAY)
    if hours is None:
        return
    labels = hours.table.labels
    due = labels[(labels >= first) & (labels <= last)]
    absent = np.setdiff1d(due, np.array(sorted(seen)))
    if len(absent):
        dates = [str(np.datetime64(int(label), "D")) for label in absent[:5]]
        examples = [f"{date}: no row in the session of {calendar}" for date in dates]
        tally.add(symbol, "missing_sessions", "warning", absent * NANOSECONDS_PER_DAY, examples)


def weekday_gaps(symbol: str, stamps: Ints, tally: Tally) -> None:
    """`missing_sessions` of daily bars without a calendar: weekdays on which there mostly is a bar, missing in a row."""
    days = np.unique((stamps - 1) // NANOSECONDS_PER_DAY)  # a bar stamped at midnight tells of the day before
    if len(days) < 30:
        return
    span = np.arange(days[0], days[-1] + 1)
    present = np.isin(span, days)
    share = np.array([present[(span + 3) % 7 == weekday].mean() for weekday in range(7)])
    if (share > 0.5).sum() < 5:
        return  # weekly bars, or a market of few days
    due = span[share[(span + 3) % 7] > 0.5]
    absent = ~np.isin(due, days)
    bound = 0 if (share > 0.5).all() else WEEKDAYS_MISSING
    edges = np.flatnonzero(np.diff(np.concatenate([[0], absent.view(np.int8), [0]])))
    for begin, past in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if past - begin > bound:
            date = str(np.datetime64(int(due[begin]), "D"))
            said = f"{date}: {past - begin} days in a row without a bar"
            tally.add(symbol, "missing_sessions", "warning", due[begin:past] * NANOSECONDS_PER_DAY, [said])


def _weekends(stamps: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether a whole UTC Saturday lies between a stamp and the next."""
    week = 7 * NANOSECONDS_PER_DAY
    # 1970-01-03 was a Saturday
    begin, end = stamps[:-1], stamps[1:]
    saturday = -((2 * NANOSECONDS_PER_DAY - begin) // week) * week + 2 * NANOSECONDS_PER_DAY
    return np.asarray(saturday + NANOSECONDS_PER_DAY <= end)
