"""What stands around a tape's market events: instruments with their final calendars, the words to read them, and the sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework.data.checks.ranges import check_stamps
from framework.data.reference.calendar import BARS, is_bars, pauses, sessions
from framework.data.tape.event_arrays import in_order, joined
from framework.data.tape.session_events import breaks, closed_before, opens_and_closes
from framework.errors import DataError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument, InstrumentKind

Events = NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A tape without its market events: instruments with their final calendars, the words, and the SESSION events in order."""

    instruments: tuple[Instrument, ...]
    currencies: tuple[str, ...]
    calendars: tuple[str, ...]
    sessions: Events


def skeleton(instruments: Sequence[Instrument], bars: Mapping[int, NDArray[np.int64]], first_ns: int, last_ns: int) -> Skeleton:
    """What goes around events from `first_ns` to `last_ns`; `bars` are the `bar_stamps`, which calendars of bars need."""
    check_stamps(first_ns, last_ns)
    stamps = _stamps_by_calendar(instruments, bars)
    ordered = tuple(replace(i, calendar=c) if i.calendar != c else i for i, c in zip(instruments, stamps.calendar_of, strict=True))
    calendars = tuple(sorted({instrument.calendar for instrument in ordered}))
    pieces = [np.zeros(0, EVENT)]
    for position, calendar in enumerate(calendars):
        stamped, interval_ns = stamps.bars_of.get(calendar, (None, 0))
        opens, closes = sessions(calendar, first_ns, last_ns, stamped, interval_ns=interval_ns)
        pieces.append(opens_and_closes(position, opens, closes))
        if not is_bars(calendar):
            pieces.append(breaks(position, opens, closes, pauses(calendar, first_ns, last_ns)))
            if not len(opens) or opens[0] > first_ns:  # at the first stamp itself nobody has ordered yet
                pieces.append(closed_before(position, calendar, first_ns))
    bases = {i.base_currency for i in ordered if i.kind is InstrumentKind.FX}
    currencies = tuple(sorted({i.settlement_currency for i in ordered} | bases))
    return Skeleton(ordered, currencies, calendars, in_order(joined(pieces)))


@dataclass(frozen=True, slots=True)
class _Stamps:
    """Which calendar each instrument gets, and for those of bars the stamps and bar length of each."""

    calendar_of: list[str]
    bars_of: dict[str, tuple[NDArray[np.int64], int]]


def _stamps_by_calendar(instruments: Sequence[Instrument], bars: Mapping[int, NDArray[np.int64]]) -> _Stamps:
    """Give every instrument of a "bars" calendar one whose sessions are exactly its own bars.

    Instruments whose stamps agree over the shorter life share a calendar. Two that differ must not: a bar of the one would
    close a session of the other, and adding an instrument would change when orders in another expire.
    """
    calendar_of = [i.calendar for i in instruments]
    owners = [position for position, i in enumerate(instruments) if is_bars(i.calendar)]
    own = {position: bars.get(position, np.zeros(0, np.int64)) for position in owners}
    groups: list[tuple[int, list[int]]] = []
    for position in sorted(owners, key=lambda p: (-len(own[p]), p)):
        if not len(own[position]):
            symbol = instruments[position].symbol
            raise DataError(f"{symbol}: calendar {BARS!r} makes each bar a session, but it has no bars. Name another calendar.")
        for leader, members in groups:
            if _agrees(own[position], own[leader]) and instruments[position].bar_interval_ns == instruments[leader].bar_interval_ns:
                members.append(position)
                break
        else:
            groups.append((position, [position]))
    bars_of = {}
    for leader, members in groups:
        calendar = BARS if len(groups) == 1 else f"{BARS}:{instruments[leader].symbol}"
        bars_of[calendar] = (own[leader], instruments[leader].bar_interval_ns)
        for position in members:
            calendar_of[position] = calendar
    return _Stamps(calendar_of, bars_of)


def bar_stamps(pieces: Sequence[Events], known: Mapping[int, NDArray[np.int64]] | None = None) -> dict[int, NDArray[np.int64]]:
    """Close stamps of each instrument's bars, by position, with those `known` already. One pass: there may be thousands of them."""
    found = {position: [stamps] for position, stamps in (known or {}).items()}
    for piece in pieces:
        bars = piece if (piece["kind"] == Kind.BAR).all() else piece[piece["kind"] == Kind.BAR]
        owners, stamps = bars["instrument"], bars["ts_local_ns"]
        if (owners[1:] != owners[:-1]).any():
            order = np.argsort(owners, kind="stable")
            owners, stamps = owners[order], stamps[order]
        edges = np.flatnonzero(owners[1:] != owners[:-1]) + 1
        for first, part in zip([0, *edges], np.split(stamps, edges), strict=True):
            if len(part):
                found.setdefault(int(owners[first]), []).append(part)
    return {position: _increasing(parts) for position, parts in found.items()}


def _increasing(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The stamps of parts, each once; they mostly are so already."""
    stamps = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return stamps if (stamps[1:] > stamps[:-1]).all() else np.unique(stamps)


def _agrees(shorter: NDArray[np.int64], longer: NDArray[np.int64]) -> bool:
    first = int(np.searchsorted(longer, shorter[0]))
    return bool(np.array_equal(longer[first : first + len(shorter)], shorter))


def definition(instrument: Instrument) -> list[Any]:
    """What tells an instrument from others, as JSON values."""
    margins = (instrument.initial_margin, instrument.maintenance_margin, instrument.liquidation_fee)
    of_derivatives = [instrument.inverse, *(float(margin).hex() for margin in margins)] if instrument.is_derivative else []
    of_options = (
        [float(instrument.strike).hex(), instrument.right, instrument.expiry_ns] if instrument.kind is InstrumentKind.OPTION else []
    )
    named = [[instrument.account, instrument.product]] if instrument.account or instrument.product else []
    return [
        instrument.symbol,
        [instrument.tick.numerator, instrument.tick.denominator],
        [instrument.lot.numerator, instrument.lot.denominator],
        float(instrument.multiplier).hex(),
        instrument.currency,
        int(instrument.kind),
        instrument.base_currency,
        instrument.venue,
        instrument.calendar,
        instrument.bar_interval_ns,
        *of_derivatives,
        *of_options,
        *named,
    ]
