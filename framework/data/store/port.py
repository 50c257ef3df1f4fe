"""The port of a store of ticks that grows while it is read: what a recorder of live feeds appends to, and what reads it back.

A *stream* is one writer: a feed, a process. It appends *batches*, numbered from 1 without holes. A batch is kept whole or not at all, and
appending it again changes nothing, so that a recorder which does not know whether its last call went through simply repeats it.
Two implementations: `segments.SegmentStore`, Parquet in the catalog's folder, and `postgres.PostgresStore`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framework.data.checks.asked import chosen_of
from framework.data.store.manifest import DIGEST_BYTES
from framework.data.store.read import kind_of
from framework.data.store.write import BUFFER_EVENTS, check_part
from framework.data.tape.recording import Recording
from framework.data.tape.stamps import Bound
from framework.errors import DataError
from framework.schema.event import NO_INSTRUMENT, Kind
from framework.schema.instrument import Instrument

Events = NDArray[np.void]

STORE_VERSION = 1
"""Of what either implementation writes; another one is refused."""

_STREAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,99}")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a stream stands, so that its recorder can go on.

    Attributes:
        number: of the last batch kept; 0 before the first.
        events: how many events of the stream are kept.
        last_ns: the last `ts_local_ns` of each symbol that had an event; "" for events of no instrument.
    """

    number: int = 0
    events: int = 0
    last_ns: Mapping[str, int] = field(default_factory=dict)


class TickStore(Protocol):
    """Keeps batches of events of many instruments and gives them back in the order of a tape."""

    def append(self, stream: str, number: int, events: Events, instruments: Sequence[Instrument]) -> bool:
        """Keep a batch; when this returns it is on the disk and readers see it.

        Args:
            stream: who writes: letters, digits, _ . and -.
            number: one more than the last batch of the stream; an older number must bring the events that it brought before.
            events: 1 to 2,000,000, sorted by `ts_local_ns`, none before the last of the stream; market kinds, as in a dataset.
            instruments: an event's `instrument` is a position here. All of them are registered, also those without an event.

        Returns:
            True where it was kept now, False where it had been before.

        Raises:
            DataError: events that break a rule, a number that leaves a hole or comes again with other events, other terms of a symbol.
            StoreLost: the store does not answer. Repeat the call; whether the first went through does not matter.
        """

    def position(self, stream: str) -> Position:
        """Where a stream stands; `Position()` for one never heard of."""

    def streams(self) -> list[str]:
        """Names of the streams that have a batch."""

    def instruments(self) -> tuple[Instrument, ...]:
        """All that were registered, by symbol."""

    def read(
        self,
        *,
        instruments: Sequence[str] | None = None,
        kinds: Iterable[Kind | str] | None = None,
        start: Bound = None,
        end: Bound = None,
    ) -> Recording:
        """What is kept, as a recording: a stamp, then source rank, symbol, name of the stream, and order within it.

        Each call of its `parts` sees the batches that are kept when it begins, all or none of each, in bounded memory. Arguments as of
        `catalog.open`.

        Raises:
            DataError: an unknown symbol or kind.
        """

    def close(self) -> None:
        """Release files and connections."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that keeps the rules which need no store.

    Attributes:
        events: as given, their `instrument` a position in `instruments`.
        instruments: by symbol.
        digest: over symbols and events, whatever the order in which instruments were given.
    """

    stream: str
    number: int
    events: Events
    instruments: tuple[Instrument, ...]
    digest: str

    def last_ns(self) -> dict[str, int]:
        """The last stamp of each symbol in it."""
        return {self.symbol(owner): stamp for owner, stamp in last_stamps(self.events).items()}

    def symbol(self, owner: int) -> str:
        """The symbol of an event's `instrument`."""
        return "" if owner == NO_INSTRUMENT else self.instruments[owner].symbol


def checked(stream: str, number: int, events: Events, instruments: Sequence[Instrument]) -> Batch:
    """A batch, once it keeps the rules.

    Raises:
        DataError: the rule, and what broke it.
    """
    if not _STREAM.fullmatch(stream):
        raise DataError(f"stream {stream!r}; rule: up to 100 letters, digits, _ . and -, a letter or digit first. Choose another name.")
    place = f"stream {stream!r}, batch {number}"
    if number < 1:
        raise DataError(f"{place}; rule: batches count from 1.")
    if not 1 <= len(events) <= BUFFER_EVENTS:
        raise DataError(
            f"{place}: {len(events)} events; rule: 1 to {BUFFER_EVENTS:,}. Append a batch when there are some, and split larger ones."
        )
    check_part(events, place, len(instruments), np.iinfo(np.int64).min)
    order = sorted(range(len(instruments)), key=lambda k: instruments[k].symbol)
    ordered = tuple(instruments[k] for k in order)
    for one, other in pairwise(ordered):
        if one.symbol == other.symbol:
            raise DataError(f"{place}: instrument {one.symbol!r} comes twice. Give each its own symbol.")
    mine = events.copy()
    mine["instrument"] = moved(events["instrument"], np.argsort(order))
    present = [int(owner) for owner in np.unique(mine["instrument"]) if owner != NO_INSTRUMENT]
    state = hashlib.blake2b("\0".join(ordered[owner].symbol for owner in present).encode(), digest_size=DIGEST_BYTES)
    dense = np.zeros(len(ordered), np.uint32)
    dense[present] = np.arange(len(present), dtype=np.uint32)
    alike = mine.copy()
    alike["instrument"] = moved(mine["instrument"], dense)
    state.update(alike.view(np.uint8).data)
    return Batch(stream, number, mine, ordered, state.hexdigest())


def moved(owners: NDArray[np.uint32], place: NDArray[np.int64] | NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Owners at their new places; events of no instrument stay so."""
    found = np.full(len(owners), NO_INSTRUMENT, np.uint32)
    mine = owners != NO_INSTRUMENT
    found[mine] = place[owners[mine]]
    return found


def last_stamps(events: Events) -> dict[int, int]:
    """The last `ts_local_ns` of each `instrument` in sorted events."""
    owners, stamps = events["instrument"], events["ts_local_ns"]
    found, reverse = np.unique(owners[::-1], return_index=True)
    return {int(owner): int(stamps[len(stamps) - 1 - at]) for owner, at in zip(found, reverse, strict=True)}


def is_new(batch: Batch, last: int, kept: str | None, last_stamp: int | None) -> bool:
    """Whether a batch goes behind the last one of its stream; False where it is kept already.

    Args:
        batch: what is appended.
        last: number of the last batch of the stream.
        kept: the digest of the batch of this number, where there is one.
        last_stamp: `ts_local_ns` of the stream's last event.

    Raises:
        DataError: a hole in the numbers, other events under a number, events before those that are kept.
    """
    place = f"stream {batch.stream!r}, batch {batch.number}"
    if batch.number <= last:
        if kept != batch.digest:
            raise DataError(
                f"{place}: was kept before with other events; rule: a batch is repeated as it was. Two recorders write this stream, or "
                f"numbers began anew: go on from position({batch.stream!r}).number, {last}, or use another stream."
            )
        return False
    if batch.number > last + 1:
        raise DataError(
            f"{place}: the last one kept is {last}; rule: numbers have no holes. Append batch {last + 1} first; position() tells it."
        )
    first = int(batch.events["ts_local_ns"][0])
    if last_stamp is not None and first < last_stamp:
        raise DataError(
            f"{place}, row 0, column ts_local_ns: {first}; rule: not before the stream's last event, {last_stamp}. Correct the recorder's "
            "clock or use another stream."
        )
    return True


def same_terms(known: Instrument, given: Instrument, place: str) -> None:
    """Refuse other terms of a symbol that is registered."""
    if known != given:
        raise DataError(f"{place}: {given.symbol} is {given}; it was registered as {known}. Record other terms under another symbol.")


def chosen(known: Mapping[str, Instrument], wanted: Sequence[str] | None, place: str) -> tuple[Instrument, ...]:
    """The instruments asked for, by symbol.

    Raises:
        DataError: an unknown symbol; the message names the nearest.
    """
    return tuple(known[symbol] for symbol in chosen_of(known, wanted, place))


def codes(kinds: Iterable[Kind | str] | None) -> list[int] | None:
    """Kinds as the numbers of events."""
    return None if kinds is None else sorted({int(kind_of(kind)) for kind in kinds})
