"""Rules over days and weeks: time zones, the spacing of stamps, volumes, names."""

from __future__ import annotations

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from framework.data.quality.findings import lasting, shown
from framework.data.quality.gaps import weekday_gaps
from framework.data.quality.row_rules import mid
from framework.data.quality.session_rules import Hours, interval_of
from framework.data.quality.stretches import Floats, Ints, Stretch, Tally
from framework.data.reference.calendar import ALWAYS_OPEN, is_bars
from framework.data.tape.stamps import DAILY_FROM_NS
from framework.schema.event import Kind
from framework.schema.units import NANOSECONDS_PER_DAY

HALF_HOUR_NS = 1800 * 10**9
ZONE_GAIN = 1.08
"""`zone`: a week whose activity fits the session this much better when shifted ..."""
ZONE_INSIDE = 0.6
"""... with so much of it inside the shifted session, ..."""
ZONE_ROWS = 100
"""... if it has so many rows."""
LONGEST_SESSION_NS = 16 * 3600 * 10**9
"""`zone` cannot be told from a market that never sleeps."""
VOLUME_FACTOR, VOLUME_DAYS = 50.0, 21
"""`volume`: a day's volume so many times above or below the median of the days around it, ..."""
VOLUME_SPREAD = 1.0
"""... where days mostly lie within a factor e of that median."""
BAR_VOLUME_FACTOR = 100.0
"""`volume`: a bar so many times above what 99 % of the bars around it stay below."""
PHASE_SHARE = 0.02
"""`phase`: stamps beside the grid are told where they are fewer than half of all; a zone is named where it explains so many more."""
RENAME_NS, RENAME_PRICE, RENAME_ROWS = 5 * NANOSECONDS_PER_DAY, 0.1, 20
"""`renamed`: an instrument begins within five days of another's end, within 10 % of its price, both with so many rows."""
COMINGS_AND_GOINGS = 0.2
"""`renamed` is not judged where more than this share of the instruments end before the others: contracts come and go."""
ZONES = ("America/New_York", "America/Chicago", "Europe/London", "Europe/Berlin", "Asia/Tokyo")
"""`phase` names one of these where its wall time explains the stamps."""
_BINS, _BEFORE = 64, 24


@dataclass(slots=True)
class _Ends:
    first_ns: int
    last_ns: int
    first_price: float
    last_price: float
    rows: int = 0


@dataclass(slots=True)
class _Weeks:
    """Activity by week in half hours from the session's open, 12 hours before to 20 after."""

    length: int = 0
    table: dict[int, Floats] = field(default_factory=dict)
    rows: dict[int, int] = field(default_factory=dict)


class Profile:
    """Collects what is told by day and week."""

    def __init__(self) -> None:
        self._ends: dict[str, _Ends] = {}
        self._weeks: dict[str, _Weeks] = {}
        self._volumes: dict[tuple[str, Kind], dict[int, float]] = {}
        self._slow: dict[tuple[str, Kind, str], list[Ints]] = {}

    def add(self, stretch: Stretch, tally: Tally) -> None:
        """Take rows of any kind."""
        own = slice(stretch.begin, stretch.end)
        stamps = stretch.stamps[own]
        if not len(stamps):
            return
        interval = interval_of(stretch.stamps, stretch.instrument.bar_interval_ns) if stretch.kind in (Kind.BAR, Kind.FUNDING) else 0
        if stretch.kind is Kind.FUNDING or interval >= DAILY_FROM_NS:
            key = (stretch.symbol, stretch.kind, stretch.instrument.calendar)
            self._slow.setdefault(key, []).append(stamps)
        elif stretch.kind in (Kind.BAR, Kind.TRADE, Kind.QUOTE):
            self._add_week(stretch, stamps, interval)
        if stretch.kind in (Kind.BAR, Kind.TRADE):
            self._add_volumes(stretch, stamps, tally, interval)
        if stretch.kind in (Kind.BAR, Kind.TRADE, Kind.QUOTE):
            self._add_ends(stretch)

    def _add_ends(self, stretch: Stretch) -> None:
        rows, prices = mid(stretch)
        kept = (rows >= stretch.begin) & (rows < stretch.end)
        if not kept.any():
            return
        stamps, prices = stretch.stamps[rows[kept]], prices[kept]
        ends = self._ends.setdefault(stretch.symbol, _Ends(int(stamps[0]), 0, float(prices[0]), 0.0))
        if int(stamps[-1]) >= ends.last_ns:
            ends.last_ns, ends.last_price = int(stamps[-1]), float(prices[-1])
        ends.rows += len(stamps)

    def _add_week(self, stretch: Stretch, stamps: Ints, interval: int) -> None:
        hours = Hours.around(stretch.instrument.calendar, int(stamps.min()), int(stamps.max()))
        if hours is None or hours.is_always_open:
            return
        table = hours.table
        length = int(np.median(table.close_ns - table.open_ns))
        if length > LONGEST_SESSION_NS or interval > 2 * HALF_HOUR_NS:
            return
        weeks = self._weeks.setdefault(stretch.symbol, _Weeks())
        weeks.length = length // HALF_HOUR_NS
        moments = stamps - min(max(interval, 1), HALF_HOUR_NS)  # a bar's activity lies before its close
        at = np.searchsorted(table.open_ns, moments + 12 * 2 * HALF_HOUR_NS, side="right") - 1
        bins = (moments - table.open_ns[at]) // HALF_HOUR_NS + _BEFORE
        size = stretch.events[{Kind.BAR: "w4", Kind.TRADE: "w1"}.get(stretch.kind, "w2")][stretch.begin : stretch.end].astype(np.float64)
        if stretch.kind is Kind.QUOTE or not size.any():
            size = np.ones(len(stamps))
        size = np.minimum(size, 20 * max(float(np.median(size)), 1.0))  # one block trade must not decide
        good = (at >= 0) & (bins >= 0) & (bins < _BINS)
        week = (table.open_ns[at] // NANOSECONDS_PER_DAY + 3) // 7
        for one in np.unique(week[good]).tolist():
            mine = good & (week == one)
            found = weeks.table.setdefault(one, np.zeros(_BINS))
            weeks.rows[one] = weeks.rows.get(one, 0) + int(mine.sum())
            found += np.bincount(bins[mine], weights=size[mine], minlength=_BINS)

    def _add_volumes(self, stretch: Stretch, stamps: Ints, tally: Tally, interval: int) -> None:
        word = "w4" if stretch.kind is Kind.BAR else "w1"
        sizes = stretch.events[word].astype(np.float64)
        days = (stamps - 1) // NANOSECONDS_PER_DAY
        found = self._volumes.setdefault((stretch.symbol, stretch.kind), {})
        unique, inverse = np.unique(days, return_inverse=True)
        for day, volume in zip(unique.tolist(), np.bincount(inverse, weights=sizes[stretch.begin : stretch.end]).tolist(), strict=True):
            found[day] = found.get(day, 0.0) + volume
        traded = sizes[sizes > 0]
        if stretch.kind is Kind.BAR and interval < DAILY_FROM_NS and len(traded) >= 200:
            usual = float(np.quantile(traded, 0.99))
            lot = stretch.instrument.lot

            def say(row: int) -> str:
                return f"volume {lot.to_float(sizes[row]):g}, 99 % of the bars around stay below {lot.to_float(usual):g}"

            tally.rows(stretch, "volume", "warning", sizes > BAR_VOLUME_FACTOR * usual, say)

    def finish(self, tally: Tally) -> None:
        """Judge what was collected."""
        for symbol, weeks in self._weeks.items():
            _judge_zone(symbol, weeks, tally)
        for (symbol, _), volumes in self._volumes.items():
            _judge_volumes(symbol, volumes, tally)
        for (symbol, kind, calendar), pieces in self._slow.items():
            stamps = np.concatenate(pieces)
            if kind is Kind.FUNDING or calendar == ALWAYS_OPEN:
                _judge_phase(symbol, kind, stamps, tally)
            elif is_bars(calendar):
                weekday_gaps(symbol, stamps, tally)
        self._judge_names(tally)

    def _judge_names(self, tally: Tally) -> None:
        if len(self._ends) < 2:
            return
        symbols = sorted(self._ends, key=lambda symbol: self._ends[symbol].first_ns)
        starts = np.array([self._ends[symbol].first_ns for symbol in symbols])
        last = max(ends.last_ns for ends in self._ends.values()) - RENAME_NS
        gone = {symbol: ends for symbol, ends in self._ends.items() if ends.last_ns < last and ends.rows >= RENAME_ROWS}
        if len(gone) > max(COMINGS_AND_GOINGS * len(self._ends), 2):
            return
        for symbol, ends in gone.items():
            begin, past = np.searchsorted(starts, [ends.last_ns, ends.last_ns + RENAME_NS], side="right").tolist()
            for other in symbols[begin:past]:
                later = self._ends[other]
                if abs(later.first_price / ends.last_price - 1) < RENAME_PRICE and later.rows >= RENAME_ROWS:
                    ended = f"{symbol} ended {shown(ends.last_ns)} at {ends.last_price:g}"
                    said = f"{shown(later.first_ns)}: begins at {later.first_price:g}; {ended}"
                    tally.add(other, "renamed", "warning", np.array([later.first_ns]), [said])


def _judge_zone(symbol: str, weeks: _Weeks, tally: Tally) -> None:
    """Runs of weeks whose activity fits the sessions better when shifted."""
    order = sorted(week for week in weeks.table if weeks.rows[week] >= ZONE_ROWS)
    lags = np.arange(-_BEFORE, _BINS - _BEFORE - weeks.length + 1)
    found: list[int] = []
    for week in order:
        sums = np.concatenate([[0.0], np.cumsum(weeks.table[week])])
        inside = sums[_BEFORE + lags + weeks.length] - sums[_BEFORE + lags]
        best = int(np.argmax(inside))
        good = inside[best] > ZONE_GAIN * inside[_BEFORE] and inside[best] >= ZONE_INSIDE * sums[-1]
        found.append(int(lags[best]) if good else 0)
    begin = 0
    while begin < len(order):
        end = begin
        while end + 1 < len(order) and found[end + 1] == found[begin]:
            end += 1
        if found[begin]:
            first, last = (int((order[k] * 7 - 3) * NANOSECONDS_PER_DAY) for k in (begin, end))
            shift = found[begin] * HALF_HOUR_NS
            later = "later" if shift > 0 else "earlier"
            until = f"until the week of {shown(last)[:10]}" if end > begin else "that week"
            said = f"{shown(first)}: {until} the activity lies {lasting(abs(shift))} {later} than the sessions"
            stamps = np.array([(week * 7 - 3) * NANOSECONDS_PER_DAY for week in order[begin : end + 1]])
            tally.add(symbol, "zone", "error", stamps, [said])
        begin = end + 1


def _judge_volumes(symbol: str, volumes: dict[int, float], tally: Tally) -> None:
    days = np.array(sorted(day for day in volumes if volumes[day] > 0))
    if len(days) < VOLUME_DAYS:
        return
    logs = np.log([volumes[day] for day in days.tolist()])
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(logs, VOLUME_DAYS, mode="reflect"), 2 * VOLUME_DAYS + 1)
    off = logs - np.median(windows, axis=1)
    if np.median(np.abs(off)) > VOLUME_SPREAD:
        return
    far = np.flatnonzero(np.abs(off) > np.log(VOLUME_FACTOR))
    far = far[(far > 0) & (far < len(days) - 1)]  # the first and last day may be parts of one
    if len(far):
        examples = [f"{np.datetime64(int(days[k]), 'D')}: {np.exp(off[k]):.3g} times the usual volume of a day" for k in far[:5].tolist()]
        tally.add(symbol, "volume", "warning", days[far] * NANOSECONDS_PER_DAY, examples)


def _judge_phase(symbol: str, kind: Kind, stamps: Ints, tally: Tally) -> None:
    """Slow rows (funding, daily bars of an open market) keep one grid in UTC; one that only holds in a wall time is told."""
    if kind is Kind.FUNDING:
        stamps = (stamps + HALF_HOUR_NS // 60) // (HALF_HOUR_NS // 30) * (HALF_HOUR_NS // 30)  # venues stamp some ms late
    interval = interval_of(stamps, 0)
    if not interval or len(stamps) < 10:
        return
    phases = stamps % interval
    values, counts = np.unique(phases, return_counts=True)
    mode = int(values[np.argmax(counts)])
    off = phases != mode
    if not off.any():
        if mode and interval >= 4 * 2 * HALF_HOUR_NS:
            said = f"{shown(int(stamps[0]))}: rows {lasting(interval)} apart keep a grid {lasting(mode)} after that of UTC midnight"
            tally.add(symbol, "phase", "note", stamps[:1], [said], len(stamps))
        return
    zone = _zone_of(stamps, interval, float(off.mean()))
    why = f"; they keep the wall time of {zone}" if zone else ""
    at = np.flatnonzero(off)
    usual = f"the grid of {lasting(interval)} that {100 * (1 - off.mean()):.3g} % keep{why}"
    examples = [f"{shown(int(stamps[k]))}: {lasting(int((phases[k] - mode) % interval))} after {usual}" for k in at[:5].tolist()]
    tally.add(symbol, "phase", "warning", stamps[at], examples)


def _zone_of(stamps: Ints, interval: int, off: float) -> str:
    """The zone in whose wall time the stamps keep one grid, if there is one."""
    index = pd.DatetimeIndex(stamps, tz="UTC")
    for zone in ZONES:
        wall = index.tz_convert(ZoneInfo(zone)).tz_localize(None).asi8
        read = index.tz_localize(None).tz_localize(ZoneInfo(zone), ambiguous="NaT", nonexistent="NaT")
        for phases in (wall % interval, read.asi8[~np.asarray(read.isna())] % interval):
            _, counts = np.unique(phases, return_counts=True)
            if 1 - counts.max() / len(phases) < min(off / 2, PHASE_SHARE):
                return zone
    return ""
