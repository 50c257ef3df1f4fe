"""The tape: every market event of a run, in the order in which it could be known.

`build` turns checked frames of bars, corporate actions and ready-made events into one sorted array. Instruments are
ordered by symbol, so neither registration order nor dictionary order reaches the bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.checks.account_events import check_account_events
from framework.data.checks.asked import check_asked
from framework.data.checks.kinds import refuse_kinds
from framework.data.checks.ranges import check_ranges
from framework.data.checks.stance_events import check_stances
from framework.data.reference.actions import action_events, action_notes, refuse_trading_after_delisting
from framework.data.reference.calendar import is_bars
from framework.data.tape.bar_events import Bars, put_bars
from framework.data.tape.event_arrays import BAR_KEY, in_order, joined, keys, put_at, room, rows_in_order
from framework.data.tape.mapped import blocks
from framework.data.tape.skeleton import bar_stamps, definition, skeleton
from framework.data.tape.stamps import Bound, bounds_ns
from framework.data.tape.survey import Survey, survey
from framework.errors import DataError, did_you_mean
from framework.schema.event import EVENT, NO_INSTRUMENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.side import SideRecords

Events = NDArray[np.void]


@dataclass(frozen=True, eq=False)
class Tape:
    """Events and the words needed to read them.

    Attributes:
        instruments: ordered by symbol; an event's `instrument` is a position here.
        currencies: sorted; those of prices and, for FX, of bases.
        calendars: sorted; `w0` of a SESSION event is a position here.
        events: dtype EVENT, sorted, read-only.
        notes: sentences the user should read (prices rounded, survivors, missing sessions).
        name: where it came from.
        sides: what stands beside events, by their number; no part of the digest, since it decides nothing.
    """

    instruments: tuple[Instrument, ...]
    currencies: tuple[str, ...]
    calendars: tuple[str, ...]
    events: Events
    notes: tuple[str, ...] = ()
    name: str = ""
    sides: SideRecords = field(default_factory=SideRecords)

    @cached_property
    def bar_stamps(self) -> NDArray[np.int64]:
        """Stamps at which bars close, UTC ns, increasing, each once."""
        stamps = np.concatenate([np.zeros(0, np.int64), *(part["ts_local_ns"][part["kind"] == Kind.BAR] for part in blocks(self.events))])
        found: NDArray[np.int64] = stamps[np.diff(stamps, prepend=stamps[:1] - 1) != 0]
        return found

    def digest(self) -> str:
        """blake2b-256, as hex, over the instruments' definitions and the event bytes; computed once."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        words = json.dumps([[definition(i) for i in self.instruments], self.currencies, self.calendars])
        state = hashlib.blake2b(words.encode(), digest_size=32)
        for part in blocks(self.events):
            state.update(np.ascontiguousarray(part).view(np.uint8).data)
        return state.hexdigest()

    @cached_property
    def has_bars_alone(self) -> bool:
        """Whether bars and sessions are all there is."""
        return all(bool(np.isin(part["kind"], (Kind.BAR, Kind.SESSION)).all()) for part in blocks(self.events))

    @cached_property
    def has_quotes(self) -> bool:
        """Whether any event is a quote."""
        return not self.has_bars_alone and any(bool(np.any(part["kind"] == Kind.QUOTE)) for part in blocks(self.events))

    @cached_property
    def sessions(self) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Stamps of opens and of closes by calendar, ascending."""
        rows = np.concatenate([np.zeros(0, EVENT), *(part[part["kind"] == Kind.SESSION] for part in blocks(self.events))])
        return _sessions_of(rows, self.calendars)

    def opens(self, calendar: str, after_ns: int, count: int) -> NDArray[np.int64]:
        """The first so many opens of sessions after a stamp, ascending; fewer where the tape has no more."""
        return _after(self.sessions[calendar][0], after_ns, count)

    def closes(self, calendar: str, after_ns: int, count: int) -> NDArray[np.int64]:
        """The same of closes."""
        return _after(self.sessions[calendar][1], after_ns, count)

    def ticks(self) -> Survey | None:
        """What is published of trades and books; None where neither is."""
        found = survey(self)
        return found if found.has_ticks else None

    def index(self, symbol: str) -> int:
        """Position of an instrument.

        Raises:
            DataError: no such symbol on this tape; the message names the nearest.
        """
        for position, instrument in enumerate(self.instruments):
            if instrument.symbol == symbol:
                return position
        names = [instrument.symbol for instrument in self.instruments]
        raise DataError(f"symbol {symbol!r} is not on the tape {self.name!r}. {did_you_mean(symbol, names)}")

    def select(self, symbols: Sequence[str] | None = None, start: Bound = None, end: Bound = None) -> Tape:
        """The tape of some instruments and of a part of the time; the same as if nothing else had ever been loaded.

        Args:
            symbols: which instruments; None keeps all.
            start, end: inclusive; a date means the whole day, UTC (see `stamps.bounds_ns`).

        Raises:
            DataError: an unknown symbol, or nothing is left.
        """
        check_asked(symbols)
        kept = sorted({self.index(symbol) for symbol in (symbols if symbols is not None else self._symbols())})
        positions = np.full(len(self.instruments) + 1, -1, np.int64)
        positions[kept] = np.arange(len(kept))
        first, last = bounds_ns(start, end)
        stamps, owners = self.events["ts_local_ns"], self.events["instrument"].astype(np.int64)
        nobody = owners == NO_INSTRUMENT
        position = positions[np.where(nobody, len(self.instruments), owners)]
        keep = (self.events["kind"] != Kind.SESSION) & (stamps >= first) & (stamps <= last) & (nobody | (position >= 0))
        events = self.events[keep]
        if not len(events):
            raise DataError(f"tape {self.name!r}: no events between {start} and {end} for {', '.join(symbols or self._symbols())}.")
        events["instrument"] = np.where(nobody, NO_INSTRUMENT, position)[keep]
        sides = self.sides.moved(places_of_kept(keep))
        return assemble([self.instruments[i] for i in kept], [events], name=self.name, notes=self.notes, sides=sides)

    def _symbols(self) -> list[str]:
        return [instrument.symbol for instrument in self.instruments]


def build(
    frames: Mapping[str, pd.DataFrame | Bars],
    instruments: Mapping[str, Instrument],
    *,
    actions: pd.DataFrame | None = None,
    extra: Events | None = None,
    name: str = "",
    notes: Sequence[str] = (),
    sides: SideRecords | None = None,
) -> Tape:
    """Make a tape of bars, corporate actions and ready-made events.

    Args:
        frames: by symbol; float columns open, high, low, close, volume and a UTC index of bar closes, or `Bars`, already checked.
        instruments: by symbol; may name more than `frames` does, for events in `extra`.
        actions: columns symbol, ts (UTC), kind ("split", "dividend", "spin_off", "delist" or "rename"), value: the split's new over
            old shares as a Fraction, a number or "new:old"; money per share of a dividend, or of the child that a spin-off gave for
            one share; the delisting's final price; the new name. A column child may name what was spun off.
        extra: dtype EVENT, in any order; `instrument` is the position among the sorted symbols of `instruments`.
        name: shown in messages and reports.
        notes: sentences for the user.
        sides: what stands beside events of `extra`, by their number there.

    Returns:
        The tape, with SESSION events of every calendar used, from the session of the first event to that of the last. Where the
        market is closed at the first event, the close of the session before stands one nanosecond ahead of it.

    Raises:
        DataError: a price off its tick, an unknown symbol, an action that cannot be read, trading after a delisting.

    >>> stamps = pd.DatetimeIndex(["2020-01-01 00:01", "2020-01-01 00:02"], tz="UTC")
    >>> bars = pd.DataFrame(dict(open=1.0, high=1.0, low=1.0, close=1.0, volume=3.0), index=stamps)
    >>> [int(k) for k in build({"X": bars}, {"X": Instrument("X")}).events["kind"]]  # open, two bars, close
    [9, 1, 1, 9]
    """
    ordered = [instruments[symbol] for symbol in sorted(instruments)]
    positions = {instrument.symbol: position for position, instrument in enumerate(ordered)}
    for symbol, instrument in instruments.items():
        if symbol != instrument.symbol:
            raise DataError(f"instruments[{symbol!r}] is called {instrument.symbol!r}. Use one name.")
    for symbol in frames:
        if symbol not in positions:
            raise DataError(f"bars of {symbol!r}, but no such instrument. {did_you_mean(symbol, positions)}")
    bars = {positions[symbol]: _bars(frames[symbol], symbol) for symbol in sorted(frames)}
    more, said = np.zeros(0, EVENT) if extra is None else checked_extra(extra, ordered), list(notes)
    if actions is not None:
        corporate = action_events(actions, ordered)
        refuse_trading_after_delisting(corporate, {position: one.stamps for position, one in bars.items()}, more, ordered)
        more = joined([more, corporate])
        said += action_notes(actions)
    return _together(ordered, bars, more, name=name, notes=said, sides=sides)


def _bars(frame: pd.DataFrame | Bars, symbol: str) -> Bars:
    return frame if isinstance(frame, Bars) else Bars.of(frame, symbol)


def _together(
    instruments: Sequence[Instrument], bars: Mapping[int, Bars], more: Events, *, name: str, notes: list[str], sides: SideRecords | None
) -> Tape:
    """The tape of bars by the instrument's position, other events and the sessions: each is written once, to its row.

    `sides` stand beside the other events, by their number.
    """
    stamps = {position: one.stamps for position, one in bars.items() if len(one.closes)}
    told = [piece for piece in (*stamps.values(), np.ascontiguousarray(more["ts_local_ns"])) if len(piece)]
    if not told:
        raise _nothing(name)
    of_bars = bar_stamps([more], stamps) if _any_of_bars(instruments) else {}
    made = skeleton(instruments, of_bars, min(int(piece.min()) for piece in told), max(int(piece.max()) for piece in told))
    events, moved = room(sum(map(len, told)) + len(made.sessions)), SideRecords()
    if len(more) or not _are_alike(list(stamps.values())):
        places = [BAR_KEY | position for position in stamps]
        pieces = [*stamps.values(), more["ts_local_ns"], made.sessions["ts_local_ns"]]
        *rows, of_more, of_sessions = rows_in_order(pieces, [*places, keys(more), keys(made.sessions)])
        put_at(events, of_more, more)
        moved = sides.moved(lambda row: int(of_more[row])) if sides else moved
    else:
        *rows, of_sessions = _rows_of_a_panel(list(stamps.values()), made.sessions["ts_local_ns"])
    put_at(events, of_sessions, made.sessions)
    for position, own in zip(stamps, rows, strict=True):
        notes += put_bars(events, own, bars[position], instruments[position], position)
    events.setflags(write=False)
    tape = Tape(made.instruments, made.currencies, made.calendars, events, tuple(notes), name, moved)
    if not len(more):  # known here, and not looked for in all events again
        vars(tape).update(has_bars_alone=True, sessions=_sessions_of(made.sessions, made.calendars))
    return tape


def _sessions_of(rows: Events, calendars: Sequence[str]) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    opens = rows[(rows["flags"] & (Flag.SESSION_OPEN | Flag.PAUSE)) == Flag.SESSION_OPEN]
    return {name: (opens["w1"][opens["w0"] == k].copy(), opens["w2"][opens["w0"] == k].copy()) for k, name in enumerate(calendars)}


def _are_alike(stamps: Sequence[NDArray[np.int64]]) -> bool:
    return all(np.array_equal(piece, stamps[0]) for piece in stamps[1:])


def _rows_of_a_panel(stamps: Sequence[NDArray[np.int64]], sessions: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows of the bars of each instrument and of the sessions where all instruments have the same stamps: nothing has to be sorted.

    At one stamp bars come before sessions, in the order of instruments.
    """
    before = np.searchsorted(stamps[0], sessions, side="right")  # moments before each session
    shifted = np.cumsum(np.bincount(before, minlength=len(stamps[0]) + 1))[:-1]  # sessions before each moment
    first = np.arange(len(stamps[0])) * len(stamps) + shifted
    return [*(first + k for k in range(len(stamps))), before * len(stamps) + np.arange(len(sessions))]


def places_of_kept(keep: NDArray[np.bool_]) -> Callable[[int], int]:
    """Where an event is when only some are kept; -1 where it is not."""
    places = np.where(keep, np.cumsum(keep) - 1, -1)
    return lambda row: int(places[row])


def assemble(
    instruments: Sequence[Instrument], pieces: Sequence[Events], *, name: str, notes: Sequence[str], sides: SideRecords | None = None
) -> Tape:
    """Add the sessions to events whose `instrument` is a position in `instruments`, and sort everything.

    `sides` stand beside events of the pieces, one piece after the other.

    Raises:
        DataError: no events; a stamp out of reach.
    """
    if not any(len(piece) for piece in pieces):
        raise _nothing(name)
    first = min(int(piece["ts_local_ns"].min()) for piece in pieces if len(piece))
    last = max(int(piece["ts_local_ns"].max()) for piece in pieces if len(piece))
    made = skeleton(instruments, bar_stamps(pieces) if _any_of_bars(instruments) else {}, first, last)
    whole, moved = joined([*pieces, made.sessions]), SideRecords()
    if sides:
        (rows,) = rows_in_order([whole["ts_local_ns"]], [keys(whole)])
        moved = sides.moved(lambda row: int(rows[row]))
    events = in_order(whole)
    events.setflags(write=False)
    return Tape(made.instruments, made.currencies, made.calendars, events, tuple(notes), name, moved)


def _nothing(name: str) -> DataError:
    return DataError(f"tape {name!r}: no bars and no events. Give at least one.")


def _any_of_bars(instruments: Sequence[Instrument]) -> bool:
    return any(is_bars(instrument.calendar) for instrument in instruments)


def checked_extra(extra: Events, instruments: Sequence[Instrument]) -> Events:
    """Events that somebody made, whose instruments are positions in `instruments`, checked."""
    if extra.dtype != EVENT:
        raise DataError(f"extra events have dtype {extra.dtype}. Make them with dtype framework.schema.event.EVENT.")
    stray = (extra["instrument"] >= len(instruments)) & (extra["instrument"] != NO_INSTRUMENT)
    if stray.any():
        row = int(np.argmax(stray))
        raise DataError(f"extra event {row}: instrument {int(extra['instrument'][row])}, but there are {len(instruments)} instruments.")
    if (extra["kind"] == Kind.SESSION).any():
        raise DataError("extra events hold SESSION events. Leave them out: they are made from the instruments' calendars.")
    refuse_kinds(extra)
    check_stances(extra, len(instruments))
    early = extra["ts_local_ns"] < extra["ts_venue_ns"]
    if early.any():
        row = int(np.argmax(early))
        raise DataError(
            f"extra event {row}: ts_local_ns {int(extra['ts_local_ns'][row])} < ts_venue_ns {int(extra['ts_venue_ns'][row])}; "
            "rule: nothing is known before it happens. Correct the stamps."
        )
    check_ranges(extra, instruments)
    check_account_events(extra)
    return extra


def _after(stamps: NDArray[np.int64], after_ns: int, count: int) -> NDArray[np.int64]:
    first = int(np.searchsorted(stamps, after_ns, side="right"))
    return stamps[first : first + count]
