"""Two feeds of one instrument compared: how far their stamps lie apart and since when, what one lacks, how prices differ.

First the lag. For every shift of b on a grid of half hours (or whole bars) each row of b is either told by a at the shifted stamp with
the same value, or not. Where values of two venues differ a little, the sign of their change is compared instead. By week the shift
that most rows agree with wins; the week in which it changes is searched for the row at which it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.quality.examine import recording_of
from framework.data.quality.findings import Examination, Finding, Severity, ordered, shown
from framework.data.quality.profile import ZONES
from framework.data.quality.session_rules import interval_of
from framework.data.quality.stretches import MOST_STAMPS, Floats, Ints, Mask
from framework.data.tape import Tape
from framework.data.tape.recording import Recording
from framework.errors import DataError, did_you_mean
from framework.schema.event import Kind
from framework.schema.instrument import Instrument
from framework.schema.units import NANOSECONDS_PER_DAY

HOUR_NS = 3600 * 10**9
LONGEST_LAG_NS = 24 * HOUR_NS
"""Shifts up to a day either way are tried."""
JITTER_NS = 30 * 10**9
"""Funding is stamped some milliseconds after the minute: stamps are taken to the nearest minute."""
SAME_PRICE, SAME_RATE = 1e-3, 1e-6
"""Values this near are the same: prices to a tenth of a percent, funding rates to a hundredth of a basis point."""
AGREE = 0.5
"""Where fewer rows than this share have the same value at any shift, the signs of changes are compared."""
LEAD, TRUST, PENALTY = 0.1, 0.3, 0.25
"""A shift must win by the first share of the rows over none at all and explain the second; a change of it costs the third of a week ..."""
LEAST_PENALTY, NOISY_PENALTY = 3.0, 40.0
"""... and at least so many rows where values are compared, or where only changes are, which agree by chance."""
LEAST_ROWS, MOST_ROWS = 20, 100_000
"""Fewer rows than the first tell nothing; of more than the second every k-th is looked at for the shift."""
STRANGERS = 0.2
"""Feeds that agree on fewer rows than this at every shift are not taken for the same instrument."""
FAR_PRICE, FAR_VOLUME = 0.01, 0.1
"""Differences of more than 1 % of a price or 10 % of a volume are counted."""
_WEEK_NS = 7 * NANOSECONDS_PER_DAY


@dataclass(frozen=True, slots=True)
class Feed:
    """One instrument of one source, for comparing: stamps, values (price or rate), volumes (NaN where there are none)."""

    name: str
    instrument: Instrument
    kind: Kind
    stamps: Ints
    values: Floats
    volumes: Floats


@dataclass(frozen=True, slots=True)
class Lag:
    """From row `begin` of b to before row `end` its stamps are `lag_ns` later than those of a."""

    begin: int
    end: int
    lag_ns: int


def compare(a: Recording | Tape | str, b: Recording | Tape | str, *, symbol: str | None = None, other: str | None = None) -> Examination:
    """Compare two feeds of one instrument: bars, quotes, trades or funding rates.

    Args:
        a, b: recordings, tapes or names of datasets. Findings are about `a`, whose symbol they carry.
        symbol, other: which instrument of a and of b; needed where there are several. If only `symbol` is given, both.

    Returns:
        Findings of the rule "against": the shift in time (and since when), units, rows of one side only, differences of price and volume.

    Raises:
        DataError: several instruments and none named, no kind in common, too few rows.
    """
    feeds = _feeds(recording_of(a), recording_of(b), symbol, other)
    one, two = feeds
    said = _Said(one.instrument.symbol, max(len(one.stamps), len(two.stamps)))
    lags, agreed = find_lags(one, two)
    if agreed < STRANGERS:
        sentence = f"{two.name} and {one.name} agree on {100 * max(agreed, 0):.3g} % of the rows at no shift: is this the same instrument?"
        said.add("error", one.stamps[[0, -1]], sentence, len(one.stamps))
    _report_lags(one, two, lags, said)
    shifted = two.stamps.copy()
    for lag in lags:
        shifted[lag.begin : lag.end] -= lag.lag_ns
    order = np.argsort(shifted, kind="stable")
    _report_values(one, two, shifted[order], order, said)
    rows = {one.instrument.symbol: len(one.stamps)}
    span = (int(min(one.stamps[0], two.stamps[0])), int(max(one.stamps[-1], two.stamps[-1])))
    return Examination(f"{one.name} against {two.name}", rows, {one.kind.name: len(one.stamps)}, *span, ordered(said.found))


class _Said:
    """Collects findings: each sentence stands for itself."""

    def __init__(self, symbol: str, rows: int) -> None:
        self._symbol, self._rows = symbol, rows
        self.found: list[Finding] = []

    def add(self, severity: Severity, stamps: Ints, sentence: str, count: int) -> None:
        share = min(count / max(self._rows, 1), 1.0)
        first, last = int(stamps[0]), int(stamps[-1])
        shown_at = tuple(int(stamp) for stamp in stamps[:MOST_STAMPS])
        self.found.append(Finding("against", severity, self._symbol, first, last, count, share, sentence, (), shown_at))


def _feeds(a: Recording, b: Recording, symbol: str | None, other: str | None) -> tuple[Feed, Feed]:
    one, two = _chosen(a, symbol), _chosen(b, other or (symbol if any(i.symbol == symbol for i in b.instruments) else None))
    mine, theirs = _rows(a, one), _rows(b, two)
    for kind in (Kind.BAR, Kind.FUNDING, Kind.TRADE, Kind.QUOTE):
        if kind in mine and kind in theirs:
            found = []
            for recording, instrument, events in ((a, a.instruments[one], mine[kind]), (b, b.instruments[two], theirs[kind])):
                found.append(_feed(recording.source.rpartition("/")[2], instrument, kind, events))
            for feed in found:
                if len(feed.stamps) < LEAST_ROWS:
                    raise DataError(f"{feed.name}: {len(feed.stamps)} rows of {kind.name}; rule: at least {LEAST_ROWS} to compare.")
            return found[0], found[1]
    kinds = [", ".join(kind.name for kind in rows) or "nothing" for rows in (mine, theirs)]
    raise DataError(f"{a.source} has {kinds[0]}, {b.source} has {kinds[1]}; rule: BAR, FUNDING, TRADE or QUOTE in both to compare.")


def _chosen(recording: Recording, symbol: str | None) -> int:
    symbols = [instrument.symbol for instrument in recording.instruments]
    if symbol is None and len(symbols) == 1:
        return 0
    if symbol not in symbols:
        raise DataError(f"{recording.source}: which instrument is to be compared? Got {symbol!r}. {did_you_mean(str(symbol), symbols)}")
    return symbols.index(symbol)


def _rows(recording: Recording, position: int) -> dict[Kind, np.ndarray[tuple[int], np.dtype[np.void]]]:
    found: dict[Kind, list[np.ndarray[tuple[int], np.dtype[np.void]]]] = {}
    for part in recording.parts():
        mine = part[part["instrument"] == position]
        for code in np.unique(mine["kind"]).tolist():
            found.setdefault(Kind(code), []).append(mine[mine["kind"] == code][["ts_local_ns", "w0", "w1", "w3", "w4"]].copy())
    return {kind: np.concatenate(parts) for kind, parts in found.items()}


def _feed(name: str, instrument: Instrument, kind: Kind, events: np.ndarray[tuple[int], np.dtype[np.void]]) -> Feed:
    stamps = np.ascontiguousarray(events["ts_local_ns"])
    volumes = np.full(len(stamps), np.nan)
    if kind is Kind.FUNDING:
        stamps = (stamps + JITTER_NS) // (2 * JITTER_NS) * (2 * JITTER_NS)
        values = events["w0"] / 1e9
    elif kind is Kind.QUOTE:
        values = instrument.tick.to_floats(events["w0"] + events["w1"]) / 2
    elif kind is Kind.TRADE:
        values, volumes = instrument.tick.to_floats(events["w0"]), instrument.lot.to_floats(events["w1"])
    else:
        values, volumes = instrument.tick.to_floats(events["w3"]), instrument.lot.to_floats(events["w4"])
    if kind in (Kind.QUOTE, Kind.TRADE):  # ticks: the last of each minute
        minutes = -(-stamps // (60 * 10**9)) * (60 * 10**9)
        last = np.flatnonzero(np.append(minutes[1:] != minutes[:-1], True))
        stamps, values, volumes = minutes[last], values[last], np.full(len(last), np.nan)
    return Feed(name, instrument, kind, stamps, values, volumes)


def find_lags(one: Feed, two: Feed) -> tuple[list[Lag], float]:
    """By how much the stamps of `two` are later than those of `one`, stretch after stretch; one stretch where it never changes.

    Also the share of rows that agree then. Below `TRUST` no shift is believed, and the one stretch has the lag 0.
    """
    interval = interval_of(one.stamps, 0) or HOUR_NS
    step = min(-(-HOUR_NS // 2 // interval) * interval, HOUR_NS)  # half an hour, in whole bars where these are shorter than an hour
    lags = np.arange(-(LONGEST_LAG_NS // step), LONGEST_LAG_NS // step + 1) * step
    common = np.flatnonzero((two.stamps >= one.stamps[0] - LONGEST_LAG_NS) & (two.stamps <= one.stamps[-1] + LONGEST_LAG_NS))
    everything = [Lag(0, len(two.stamps), 0)]
    if len(common) < LEAST_ROWS:
        return everything, 0.0
    rows = common[:: -(-len(common) // MOST_ROWS)]
    agrees, exact = _agreement(one, two, rows, lags)
    weeks = (two.stamps[rows] - two.stamps[rows[0]]) // _WEEK_NS
    sums = np.array([np.bincount(weeks, weights=row, minlength=int(weeks[-1]) + 1) for row in agrees])
    none = int(np.flatnonzero(lags == 0)[0])
    chosen = _path(sums, max(PENALTY * float(np.median(np.bincount(weeks))), LEAST_PENALTY if exact else NOISY_PENALTY))
    edges = _edges(weeks, chosen, agrees)
    agreed = sum(int(agrees[lag, begin:end].sum()) for begin, end, lag in edges)
    if agreed < TRUST * len(rows) or agreed < agrees[none].sum() + LEAD * len(rows):
        return everything, float(agrees[none].mean())
    starts = [0, *(int(rows[begin]) for begin, _, _ in edges[1:]), len(two.stamps)]
    found = [Lag(starts[k], starts[k + 1], int(lags[lag])) for k, (_, _, lag) in enumerate(edges)]
    return found, agreed / len(rows)


def _path(sums: Floats, penalty: float) -> Ints:
    """The lag of each week for which most rows agree in all, where each change of it costs `penalty` rows (Viterbi)."""
    score = sums[:, 0].copy()
    came = np.zeros(sums.shape, np.int64)
    for week in range(1, sums.shape[1]):
        best = int(np.argmax(score))
        switch = score[best] - penalty > score
        came[:, week] = np.where(switch, best, np.arange(len(score)))
        score = np.where(switch, score[best] - penalty, score) + sums[:, week]
    path = np.zeros(sums.shape[1], np.int64)
    path[-1] = int(np.argmax(score))
    for week in range(sums.shape[1] - 1, 0, -1):
        path[week - 1] = came[path[week], week]
    return path


def _agreement(one: Feed, two: Feed, rows: Ints, lags: Ints) -> tuple[NDArray[np.int8], bool]:
    """For each lag and each of the rows of `two`, 1 where `one` tells the same then, shape (lags, rows); and whether values were compared.

    Else changes were: 1 where both rise or both fall, -1 where one rises and the other falls.
    """
    stamps, values = two.stamps[rows], two.values[rows]
    ratio = 1.0 if one.kind is Kind.FUNDING else _unit_ratio(one.values, two.values)
    bound = SAME_RATE if one.kind is Kind.FUNDING else SAME_PRICE * np.abs(values)
    mine, theirs = np.sign(_changes(one.values)), np.sign(_changes(two.values))[rows]
    same = np.zeros((len(lags), len(rows)), np.int8)
    changes = same.copy()
    for k, lag in enumerate(lags.tolist()):
        at, there = _matched(one.stamps, stamps - lag)
        same[k] = there & (np.abs(one.values[at] * ratio - values) <= bound)
        changes[k] = np.where(there, mine[at] * theirs, 0.0)
    # Prices that hardly move agree at every shift: then the changes tell more.
    shares = np.sort(same.mean(axis=1))
    exact = bool(shares[-1] > AGREE and shares[-1] - shares[len(shares) // 2] > 2 * LEAD)
    return (same if exact else changes), exact


def _changes(values: Floats) -> Floats:
    return np.diff(values, prepend=values[0])


def _unit_ratio(one: Floats, two: Floats) -> float:
    """A power of ten by which the values of `two` are larger, 1 where that is not what differs."""
    ratio = float(np.median(two) / np.median(one)) if np.median(one) > 0 and np.median(two) > 0 else 1.0
    power = round(np.log10(ratio))
    return 10.0**power if power and abs(np.log10(ratio) - power) < 0.1 else 1.0


def _matched(known: Ints, asked: Ints) -> tuple[Ints, Mask]:
    at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return at, known[at] == asked


def _edges(weeks: Ints, chosen: Ints, agrees: NDArray[np.int8]) -> list[tuple[int, int, int]]:
    """First row, row after the last and number of each lag; a change is searched for in the weeks beside it."""
    found: list[tuple[int, int, int]] = []
    begin = 0
    for week in np.flatnonzero(np.diff(chosen)).tolist():
        before, after = int(chosen[week]), int(chosen[week + 1])
        first, past = np.searchsorted(weeks, [week, week + 2]).tolist()
        gain = np.cumsum(np.concatenate([[0], agrees[before, first:past].astype(np.int64) - agrees[after, first:past]]))
        edge = max(first + int(np.argmax(gain)), begin)
        found.append((begin, edge, before))
        begin = edge
    found.append((begin, len(weeks), int(chosen[-1])))
    return [piece for piece in found if piece[1] > piece[0]]


def _report_lags(one: Feed, two: Feed, lags: list[Lag], said: _Said) -> None:
    if all(lag.lag_ns == 0 for lag in lags):
        return
    if len(lags) == 1:
        sentence = f"{two.name} is {_ahead(lags[0].lag_ns)} {one.name} on all rows"
        said.add("error", two.stamps[[0, -1]], sentence, len(two.stamps))
        return
    zone = _zone(two.stamps, lags)
    why = f" (the clock changes of {zone})" if zone else ""
    for lag in lags:
        first, last = shown(int(two.stamps[lag.begin]))[:10], shown(int(two.stamps[lag.end - 1]))[:10]
        apart = f"is {_ahead(lag.lag_ns)}" if lag.lag_ns else "keeps the stamps of"
        sentence = f"{two.name} {apart} {one.name} from {first} to {last}{why}"
        severity: Severity = "error" if lag.lag_ns else "note"
        said.add(severity, two.stamps[[lag.begin, lag.end - 1]], sentence, lag.end - lag.begin)


def _ahead(lag_ns: int) -> str:
    hours = abs(lag_ns) / HOUR_NS
    return f"{hours:g} h {'ahead of' if lag_ns > 0 else 'behind'}"


def _zone(stamps: Ints, lags: list[Lag]) -> str:
    """The zone whose clock changes lie at the edges of the stretches."""
    index = pd.DatetimeIndex(stamps, tz="UTC")
    best, found = len(lags) - 1, ""
    for zone in ZONES:
        wall = index.tz_convert(ZoneInfo(zone)).tz_localize(None)
        offsets = wall.as_unit("ns").asi8 - stamps
        changes = stamps[1:][np.diff(offsets) != 0]
        if not len(changes):
            continue
        edges = stamps[[lag.begin for lag in lags[1:]]]
        far = int((np.abs(edges[:, None] - changes[None, :]).min(axis=1) > 2 * NANOSECONDS_PER_DAY).sum())
        if far < best:
            best, found = far, zone
    return found if best == 0 else ""


def _report_values(one: Feed, two: Feed, stamps: Ints, order: Ints, said: _Said) -> None:
    values, volumes = two.values[order], two.volumes[order]
    first, last = max(int(one.stamps[0]), int(stamps[0])), min(int(one.stamps[-1]), int(stamps[-1]))
    if first > last:
        said.add("error", one.stamps[:1], f"{two.name} and {one.name} have no time in common", len(one.stamps))
        return
    for name, mine, theirs in ((two.name, one.stamps, stamps), (one.name, stamps, one.stamps)):
        inside = mine[(mine >= first) & (mine <= last)]
        absent = inside[~np.isin(inside, theirs)]
        if len(absent):
            sentence = f"{name} lacks {len(absent):,} of {len(inside):,} rows, the first at {shown(int(absent[0]))}"
            said.add("warning" if one.kind is not Kind.TRADE else "note", absent, sentence, len(absent))
    at, there = _matched(one.stamps, stamps)
    if not there.any():
        return
    ours, others, when = one.values[at[there]], values[there], stamps[there]
    if one.kind is Kind.FUNDING:
        _report_rates(one, two, ours, others, when, said)
        return
    ratio = float(np.median(others / ours))
    power = round(np.log10(ratio)) if ratio > 0 else 0
    if power and abs(np.log10(ratio) - power) < 0.03:
        sentence = f"prices of {two.name} are {10.0**power:g} times those of {one.name}"
        said.add("error", when[:1], sentence, int(there.sum()))
        ratio = 10.0**power
    else:
        ratio = 1.0
    _report_differences(one, two, others / (ours * ratio) - 1, when, FAR_PRICE, "prices", said)
    both = np.isfinite(volumes[there]) & np.isfinite(one.volumes[at[there]]) & (one.volumes[at[there]] > 0)
    if both.any():
        off = volumes[there][both] / one.volumes[at[there]][both] - 1
        _report_differences(one, two, off, when[both], FAR_VOLUME, "volumes", said)


def _report_differences(one: Feed, two: Feed, off: Floats, when: Ints, far: float, what: str, said: _Said) -> None:
    size = np.abs(off)
    beyond = size > far
    if not beyond.any():
        return
    low, middle, high = (f"{100 * value:+.3g} %" for value in np.quantile(off, [0.05, 0.5, 0.95]))
    worst = int(np.argmax(size))
    sentence = (
        f"{what} differ by more than {100 * far:g} % on {int(beyond.sum()):,} of {len(off):,} rows, by {100 * off[worst]:+.3g} % at "
        f"{shown(int(when[worst]))}; quantiles of the difference: 5 % {low}, 50 % {middle}, 95 % {high}"
    )
    said.add("warning" if what == "prices" else "note", when[beyond], sentence, int(beyond.sum()))


def _report_rates(one: Feed, two: Feed, mine: Floats, theirs: Floats, when: Ints, said: _Said) -> None:
    off = np.abs(theirs - mine)
    beyond = off > SAME_RATE
    if beyond.any():
        worst = int(np.argmax(off))
        sentence = (
            f"rates differ on {int(beyond.sum()):,} of {len(off):,} rows, by {1e4 * off[worst]:.3g} bps at {shown(int(when[worst]))}; "
            f"the median difference is {1e4 * float(np.median(off)):.3g} bps"
        )
        said.add("warning", when[beyond], sentence, int(beyond.sum()))
