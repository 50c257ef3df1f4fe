"""Repairs, only on request: each changes a recording and says in one sentence what it did, for the dataset's log.

A repair is made in two passes: the first counts what it will change, so that the sentence stands before anything is written; the
second changes the parts as they stream by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.quality.compare import HOUR_NS
from framework.data.quality.findings import shown
from framework.data.quality.prices import spike_rows
from framework.data.quality.session_rules import interval_of
from framework.data.quality.stretches import Ints, Mask, Splitter, Stretch
from framework.data.tape.merge import merged
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import NEVER_NS, Step

Span = tuple[int, int]
EVER: Span = (-NEVER_NS, NEVER_NS)
MOST_SENTENCES = 500
_PRICE_WORDS: dict[Kind, tuple[str, ...]] = {
    Kind.BAR: ("w0", "w1", "w2", "w3"),
    **dict.fromkeys((Kind.QUOTE, Kind.PRICE_LIMITS), ("w0", "w1")),
    **dict.fromkeys((Kind.TRADE, Kind.DEPTH, Kind.DELIST), ("w0",)),
}


@dataclass(frozen=True, slots=True)
class Repairs:
    """What is to be done, in this order.

    Attributes:
        sort: put rows in order of their local stamps, keeping the order of equal ones. Needs all of them in memory.
        drop_duplicates: of rows that are equal in every word, stamps included, and of bars and funding rates of one instrument and stamp
            with the same values, keep the first. Two bars of one stamp with different values are refused: which is right is not known.
        drop_future_ns: drop rows stamped after it.
        shift_ns: add it to both stamps.
        time_zone: the stamps were read as UTC but are the wall time of this zone: put them right.
        rescale: multiply prices by it (0.01 where cents were taken for dollars).
        between: first and last local stamp of the rows that `shift_ns` and `rescale` change; by default all.
        drop_spikes: drop the rows that the rule `spike` finds, and those of `units` that stand alone.
        fill_from: rows of it where bars are missing, or where ticks stop for longer than `fill_longer_ns`.
    """

    sort: bool = False
    drop_duplicates: bool = False
    drop_future_ns: int | None = None
    shift_ns: int = 0
    time_zone: str | None = None
    rescale: float | None = None
    between: Span = EVER
    drop_spikes: bool = False
    fill_from: Recording | None = None
    fill_longer_ns: int = HOUR_NS


def repair(recording: Recording, repairs: Repairs) -> tuple[Recording, tuple[str, ...]]:
    """A repaired recording, and one sentence for each repair that changed something. The given recording is not touched.

    Raises:
        DataError: a repair that cannot be made without guessing.
    """
    log: list[str] = []
    steps: list[Callable[[Recording], tuple[Recording, Sequence[str]]]] = []
    if repairs.sort:
        steps.append(_sorted)
    if repairs.time_zone is not None:
        zone = repairs.time_zone
        steps.append(lambda one: _moved(one, zone))
    if repairs.shift_ns:
        steps.append(lambda one: _shifted(one, repairs.shift_ns, repairs.between))
    if repairs.drop_future_ns is not None:
        last = repairs.drop_future_ns
        steps.append(lambda one: _dropped(one, lambda part: part["ts_local_ns"] > last, f"stamped after {shown(last)}"))
    if repairs.drop_duplicates:
        steps.append(_without_duplicates)
    if repairs.rescale is not None:
        factor = repairs.rescale
        steps.append(lambda one: _rescaled(one, factor, repairs.between))
    if repairs.drop_spikes:
        steps.append(_without_spikes)
    if repairs.fill_from is not None:
        other = repairs.fill_from
        steps.append(lambda one: fill_gaps(one, other, longer_ns=repairs.fill_longer_ns))
    for step in steps:
        recording, said = step(recording)
        log += said
    return recording, tuple(log)


def _with(recording: Recording, change: Callable[[], Iterator[Events]]) -> Recording:
    return Recording(recording.instruments, change, recording.source, recording.notes)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _sorted(recording: Recording) -> tuple[Recording, Sequence[str]]:
    parts = [part for part in recording.parts() if len(part)]
    if not parts:
        return recording, ()
    events = np.concatenate(parts)
    back = int((np.diff(events["ts_local_ns"]) < 0).sum())
    if not back:
        return recording, ()
    events = events[np.argsort(events["ts_local_ns"], kind="stable")]
    return _with(recording, lambda: iter([events])), [f"Sorted by local stamp: {_rows(back)} stood before an earlier one."]


def _dropped(recording: Recording, wrong: Callable[[Events], Mask], why: str) -> tuple[Recording, Sequence[str]]:
    count = sum(int(wrong(part).sum()) for part in recording.parts())
    if not count:
        return recording, ()

    def parts() -> Iterator[Events]:
        for part in recording.parts():
            kept = part[~wrong(part)]
            if len(kept):
                yield kept

    return _with(recording, parts), [f"Dropped {_rows(count)} {why}."]


def _within(part: Events, between: Span) -> Mask:
    stamps = part["ts_local_ns"]
    return np.asarray((stamps >= between[0]) & (stamps <= between[1]))


def _span(between: Span) -> str:
    first, last = (shown(stamp) if abs(stamp) != NEVER_NS else "" for stamp in between)
    return " ".join(word for word in (f"from {first}" if first else "", f"to {last}" if last else "") if word)


def _shifted(recording: Recording, shift_ns: int, between: Span) -> tuple[Recording, Sequence[str]]:
    def parts() -> Iterator[Events]:
        last = -NEVER_NS
        for part in recording.parts():
            moved = part.copy()
            mine = _within(part, between)
            moved["ts_local_ns"][mine] += shift_ns
            moved["ts_venue_ns"][mine] += shift_ns
            before = np.concatenate([[last], moved["ts_local_ns"][:-1]])
            if (moved["ts_local_ns"] < before).any():
                at = int(np.argmax(moved["ts_local_ns"] < before))
                raise DataError(
                    f"{recording.source}: moved by {shift_ns / 1e9:+g} s, the row at {shown(int(moved['ts_local_ns'][at]))} comes before "
                    f"the one before it, {shown(int(before[at]))}. Rows of two times would be mixed: name the stretch with between=."
                )
            last = int(moved["ts_local_ns"][-1]) if len(moved) else last
            yield moved

    what = "all stamps" if between == EVER else f"stamps {_span(between)}"
    return _with(recording, parts), [f"Moved {what} by {shift_ns / 1e9:+g} s."]


def _moved(recording: Recording, zone: str) -> tuple[Recording, Sequence[str]]:
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise DataError(f"time zone {zone!r} is unknown: {error}. Use a name like Europe/London.") from error

    def right(stamps: Ints) -> Ints:
        wall = pd.DatetimeIndex(stamps.astype("datetime64[ns]"))
        try:
            return np.asarray(wall.tz_localize(where).tz_convert("UTC").as_unit("ns").asi8)
        except ValueError as error:
            raise DataError(
                f"{recording.source}: a stamp cannot be placed in {zone}: {error}. A wall time that a change of the clock makes happen "
                "twice or never is no instant: drop those rows, or give data in UTC."
            ) from error

    def parts() -> Iterator[Events]:
        for part in recording.parts():
            moved = part.copy()
            for word in ("ts_local_ns", "ts_venue_ns"):
                moved[word] = right(part[word])
            yield moved

    for part in recording.parts():
        right(part["ts_local_ns"])
    return _with(recording, parts), [f"Read all stamps as the wall time of {zone}, not as UTC."]


def _without_duplicates(recording: Recording) -> tuple[Recording, Sequence[str]]:
    def parts(count: list[int] | None = None) -> Iterator[Events]:
        rest = np.zeros(0, EVENT)  # rows of the last stamp, which the next part may repeat
        for part in recording.parts():
            events = np.concatenate([rest, part])
            if not len(events):
                continue
            wrong = _duplicates(events, recording)
            if count is not None:
                count[0] += int(wrong.sum())
            events = events[~wrong]
            edge = int(np.searchsorted(events["ts_local_ns"], events["ts_local_ns"][-1]))
            rest = events[edge:]
            if edge:
                yield events[:edge]
        if len(rest):
            yield rest

    count = [0]
    for _ in parts(count):
        continue
    return (_with(recording, parts), [f"Dropped {_rows(count[0])} told twice."]) if count[0] else (recording, ())


def _duplicates(events: Events, recording: Recording) -> Mask:
    """Rows equal to one before them at the same stamp, in every word."""
    words = np.ascontiguousarray(events).view(np.int64).reshape(len(events), -1)
    order = np.lexsort((np.arange(len(events)), *words.T[::-1]))
    same = (words[order][1:] == words[order][:-1]).all(axis=1)
    wrong = np.zeros(len(events), np.bool_)
    wrong[order[1:][same]] = True
    slow = np.isin(events["kind"], (Kind.BAR, Kind.FUNDING)) & ~wrong
    keys = events[slow][["ts_local_ns", "kind", "instrument"]]
    if len(keys) and len(np.unique(keys)) < len(keys):
        found, counts = np.unique(keys, return_counts=True)
        first = found[counts > 1][0]
        symbol = recording.instruments[int(first["instrument"])].symbol
        raise DataError(
            f"{recording.source}: {symbol} has two different rows of {Kind(int(first['kind'])).name} at "
            f"{shown(int(first['ts_local_ns']))}. Which is right is not known: correct the source, or compare with a second one."
        )
    return wrong


def _rescaled(recording: Recording, factor: float, between: Span) -> tuple[Recording, Sequence[str]]:
    """Prices by a factor, exactly: the size of a tick changes with them, and where only some rows change it becomes fine enough for all."""
    if not factor > 0 or not np.isfinite(factor):
        raise DataError(f"rescale={factor}; rule: a finite number above 0, such as 0.01.")
    exact = Step.of(factor)
    whole = between == EVER
    inside, outside = (1, 1) if whole else (exact.numerator, exact.denominator)
    finer = (exact.numerator if whole else 1, exact.denominator)
    instruments = tuple(
        replace(one, tick=Step.of(Fraction(one.tick.numerator * finer[0], one.tick.denominator * finer[1])))
        for one in recording.instruments
    )

    def parts() -> Iterator[Events]:
        for part in recording.parts():
            changed = part.copy()
            mine = _within(part, between)
            for kind, words in _PRICE_WORDS.items():
                rows = part["kind"] == kind
                for word in words if rows.any() else ():
                    changed[word][rows & mine] *= inside
                    changed[word][rows & ~mine] *= outside
            yield changed

    made = Recording(instruments, recording.parts if whole else parts, recording.source, recording.notes)
    return made, [f"Multiplied {'all prices' if whole else 'prices ' + _span(between)} by {factor:g}."]


def _without_spikes(recording: Recording) -> tuple[Recording, Sequence[str]]:
    splitter = Splitter(recording.instruments)
    found: list[Events] = []

    def look(stretches: Iterator[Stretch]) -> None:
        for stretch in stretches:
            if stretch.kind in (Kind.BAR, Kind.QUOTE, Kind.TRADE):
                found.append(stretch.events[spike_rows(stretch)])

    for part in recording.parts():
        look(splitter.add(part))
    look(splitter.finish())
    bad = np.concatenate(found) if found else np.zeros(0, EVENT)
    if not len(bad):
        return recording, ()
    keys = _keys(bad)
    names = ", ".join(shown(stamp) for stamp in np.sort(bad["ts_local_ns"])[:5].tolist())
    return _dropped(recording, lambda part: np.isin(_keys(part), keys), f"whose price stood alone, the first at {names}")


def _keys(events: Events) -> NDArray[np.void]:
    """Rows as one value each."""
    return np.ascontiguousarray(events).view(np.dtype((np.void, EVENT.itemsize)))


def fill_gaps(recording: Recording, other: Recording, *, longer_ns: int = HOUR_NS) -> tuple[Recording, Sequence[str]]:
    """Rows of another source where this one has none, and one sentence for each stretch that was filled.

    Args:
        recording: what has gaps. Only between its own rows is anything filled, kind by kind: bars where they are farther apart than
            their length, quotes and trades where they are farther apart than `longer_ns`.
        other: the second source; instruments are found by symbol. What is filled in is held in memory.
        longer_ns: pauses of ticks up to it are no gaps.

    Raises:
        DataError: a price of the other source that is no whole tick here, or a size that is no whole lot.
    """
    symbols = {instrument.symbol: k for k, instrument in enumerate(recording.instruments)}
    gaps = _gaps(recording, longer_ns)
    pieces: dict[tuple[int, int], list[Events]] = {}
    for part in other.parts():
        for position in np.unique(part["instrument"]).tolist():
            if position >= len(other.instruments) or other.instruments[position].symbol not in symbols:
                continue
            own = symbols[other.instruments[position].symbol]
            mine = part[part["instrument"] == position]
            for code in np.unique(mine["kind"]).tolist():
                if (own, code) not in gaps:
                    continue
                rows = mine[mine["kind"] == code]
                begins, ends = gaps[own, code]
                at = np.searchsorted(begins, rows["ts_local_ns"]) - 1
                inside = (at >= 0) & (rows["ts_local_ns"] < ends[np.maximum(at, 0)])
                if inside.any():
                    taken = _in_units(rows[inside], other.instruments[position], recording.instruments[own], other.source)
                    taken["instrument"] = own
                    pieces.setdefault((own, code), []).append(taken)
    if not pieces:
        return recording, ()
    filled = {where: np.concatenate(found) for where, found in pieces.items()}
    said = [
        sentence
        for (own, code), rows in sorted(filled.items())
        for sentence in _filled(recording.instruments[own].symbol, Kind(code), rows, gaps[own, code][0], other.source)
    ]
    fresh = np.concatenate(list(filled.values()))
    fresh = fresh[np.argsort(fresh["ts_local_ns"], kind="stable")]
    return _with(recording, lambda: merged([recording.parts(), iter([fresh])])), said


def _gaps(recording: Recording, longer_ns: int) -> dict[tuple[int, int], tuple[Ints, Ints]]:
    """By instrument and kind: the stamps between which rows are missing, both exclusive."""
    splitter = Splitter(recording.instruments)
    found: dict[tuple[int, int], list[tuple[Ints, Ints]]] = {}
    lengths: dict[int, int] = {}

    def look(stretches: Iterator[Stretch]) -> None:
        for stretch in stretches:
            if stretch.kind not in (Kind.BAR, Kind.QUOTE, Kind.TRADE):
                continue
            stamps = stretch.stamps
            if stretch.kind is Kind.BAR:
                length = lengths.setdefault(stretch.position, interval_of(stamps, stretch.instrument.bar_interval_ns))
            else:
                length = longer_ns
            first = max(stretch.begin - 1, 0)  # the row before belongs to the pair across the edge
            wide = np.flatnonzero(np.diff(stamps[first : stretch.end]) > length) + first
            if length:
                found.setdefault((stretch.position, int(stretch.kind)), []).append((stamps[wide], stamps[wide + 1]))

    for part in recording.parts():
        look(splitter.add(part))
    look(splitter.finish())
    return {
        where: (np.concatenate([begin for begin, _ in pairs]), np.concatenate([end for _, end in pairs]))
        for where, pairs in found.items()
        if any(len(begin) for begin, _ in pairs)
    }


def _in_units(rows: Events, theirs: Instrument, ours: Instrument, source: str) -> Events:
    changed = rows.copy()
    kind = Kind(int(rows["kind"][0]))
    sizes = {Kind.BAR: ("w4",), Kind.QUOTE: ("w2", "w3"), Kind.TRADE: ("w1",)}[kind]
    for words, mine, other, what in ((_PRICE_WORDS[kind], ours.tick, theirs.tick, "tick"), (sizes, ours.lot, theirs.lot, "lot")):
        ratio = Fraction(other.numerator, other.denominator) / Fraction(mine.numerator, mine.denominator)
        for word in words:
            scaled = rows[word] * ratio.numerator
            off = scaled % ratio.denominator != 0
            if off.any():
                row = int(np.argmax(off))
                raise DataError(
                    f"{source}: {theirs.symbol} at {shown(int(rows['ts_local_ns'][row]))}: {other.to_float(int(rows[word][row])):g} is no "
                    f"whole {what} of {mine.size:g}. Import both with the finer {what}_size=."
                )
            changed[word] = scaled // ratio.denominator
    return changed


def _filled(symbol: str, kind: Kind, rows: Events, begins: Ints, source: str) -> Iterator[str]:
    """One sentence a gap, the first `MOST_SENTENCES` by name and the rest together."""
    at = np.searchsorted(begins, rows["ts_local_ns"])
    edges = [0, *(np.flatnonzero(np.diff(at)) + 1).tolist(), len(rows)]
    for k, (begin, end) in enumerate(pairwise(edges)):
        first, last = int(rows["ts_local_ns"][begin]), int(rows["ts_local_ns"][end - 1])
        if k == MOST_SENTENCES:
            yield f"Filled {_rows(len(rows) - begin)} of {kind.name} of {symbol} in {len(edges) - 1 - k:,} more gaps from {source}."
            return
        yield f"Filled {_rows(end - begin)} of {kind.name} of {symbol} from {source}: {shown(first)} to {shown(last)}."
