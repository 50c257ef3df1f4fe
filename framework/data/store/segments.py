"""The embedded store of ticks: Parquet files beside the catalog's datasets, one for each batch, merged as they grow in number.

    NAME.ticks/
      store.json                                        version and instruments; `instrument` of an event is a position there
      stream=FEED/000000000001-000000001024.parquet     batches 1 to 1024, sorted by `ts_local_ns`
      stream=FEED/000000001025-000000001025.parquet     batch 1025, as it was appended

A file is written beside its place, synced and renamed, so it is there whole or not at all. Merging writes the larger file before it
removes the smaller ones; where both are there after a crash, the larger one counts.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framework.data.checks.library_errors import said
from framework.data.store.manifest import instrument_of, terms_of
from framework.data.store.port import STORE_VERSION, Batch, Position, checked, chosen, codes, is_new, moved, same_terms
from framework.data.store.root import RootLike, check_name, root_of
from framework.data.store.segment_files import Segment, merge_tail, replace_file, scan, single, tidy, write_segment
from framework.data.tape.merge import merged
from framework.data.tape.recording import Recording
from framework.data.tape.stamps import Bound, bounds_ns
from framework.errors import DataError, StoreLost
from framework.schema.event import NO_INSTRUMENT, Kind
from framework.schema.instrument import Instrument

Events = NDArray[np.void]

SUFFIX = ".ticks"
_ABOUT = "store.json"
_STREAM = "stream="


class SegmentStore:
    """Ticks in a folder of this machine; see `port.TickStore`.

    Args:
        name: of the store; letters, digits, _ . and -.
        root: where, as of datasets; a folder of this machine.

    Raises:
        DataError: a name that cannot be, a root that is no folder of this machine, a store of another version.
    """

    def __init__(self, name: str, root: RootLike = None) -> None:
        where = root_of(root)
        if where.local is None:
            raise DataError(f"store {name!r}: {where} cannot be appended to. Record into a folder or PostgreSQL, and import from there.")
        self._folder = where.local / f"{check_name(name)}{SUFFIX}"
        self._looked_into: dict[Path, Segment] = {}
        self._tidied: set[str] = set()
        self._registry()

    def append(self, stream: str, number: int, events: Events, instruments: Sequence[Instrument]) -> bool:
        """Keep a batch as a file; see `TickStore.append`. Now and then older files are merged, which takes up to some seconds."""
        batch = checked(stream, number, events, instruments)
        folder = self._of(stream)
        with self._on_disk():
            folder.mkdir(parents=True, exist_ok=True)
        with self._on_disk(), self._locked(folder / ".lock"):
            if stream not in self._tidied:
                tidy(folder, self._segments(stream))
                self._tidied.add(stream)
            segments = self._segments(stream)
            tail = segments[-1] if segments else None
            kept = next((one.digests[number - one.first] for one in segments if one.first <= number <= one.last), None)
            if not is_new(batch, tail.last if tail else 0, kept, tail.last_ns if tail else None):
                return False
            batch.events["instrument"] = moved(batch.events["instrument"], self._register(batch))
            made = single(folder, number, batch.events, batch.digest)
            write_segment(made, batch.events)
            merge_tail(folder, [*segments, made])
            return True

    def position(self, stream: str) -> Position:
        """Where a stream stands; see `TickStore.position`."""
        with self._on_disk():
            segments, known = self._segments(stream), self._registry()
        if not segments:
            return Position()
        stands: dict[int, int] = {}
        for one in segments:
            stands |= one.stands
        symbols = {owner: "" if owner == NO_INSTRUMENT else known[owner].symbol for owner in stands}
        return Position(segments[-1].last, sum(one.events for one in segments), {symbols[k]: stamp for k, stamp in stands.items()})

    def streams(self) -> list[str]:
        """Names of the streams that have a batch."""
        with self._on_disk():
            names = (folder.name.removeprefix(_STREAM) for folder in self._folder.glob(f"{_STREAM}*"))
            return sorted(name for name in names if self._segments(name))

    def instruments(self) -> tuple[Instrument, ...]:
        """All that were registered, by symbol."""
        with self._on_disk():
            return tuple(sorted(self._registry(), key=lambda one: one.symbol))

    def read(
        self,
        *,
        instruments: Sequence[str] | None = None,
        kinds: Iterable[Kind | str] | None = None,
        start: Bound = None,
        end: Bound = None,
    ) -> Recording:
        """What is kept; see `TickStore.read`. Holds one row group of each stream."""
        picked = chosen({one.symbol: one for one in self.instruments()}, instruments, str(self._folder))
        wanted, (first, last) = codes(kinds), bounds_ns(start, end)

        def parts() -> Iterator[Events]:
            with self._on_disk():
                ends = {stream: self._segments(stream)[-1].last for stream in self.streams()}
            asked = {one.symbol: k for k, one in enumerate(picked)}
            place = np.array([asked.get(one.symbol, NO_INSTRUMENT) for one in self._registry()], dtype=np.int64)
            lanes = [self._lane(stream, end, first, last) for stream, end in ends.items()]
            yield from merged([_asked(lane, wanted, place) for lane in lanes])

        return Recording(picked, parts, str(self._folder))

    def _lane(self, stream: str, end: int, first_ns: int, last_ns: int) -> Iterator[Events]:
        """Events of the batches up to `end`, in order, between two stamps."""
        number = 1
        while number <= end:
            with self._on_disk():
                one = next(one for one in self._segments(stream) if one.first <= number <= one.last)
            begin, stop = sum(one.rows[: number - one.first]), sum(one.rows[: end - one.first + 1])
            try:
                if one.first_ns <= last_ns and one.last_ns >= first_ns:
                    for before, events in one.blocks(first_ns, last_ns):
                        rows = events[max(begin - before, 0) : max(stop - before, 0)]
                        stamps = rows["ts_local_ns"]
                        yield rows[int(np.searchsorted(stamps, first_ns)) : int(np.searchsorted(stamps, last_ns, side="right"))]
            except FileNotFoundError:
                continue  # it was merged into a larger file before it was opened: look for that one
            number = one.last + 1

    def _of(self, stream: str) -> Path:
        return self._folder / f"{_STREAM}{stream}"

    def _segments(self, stream: str) -> list[Segment]:
        found = scan(self._of(stream), self._looked_into)
        self._looked_into |= {one.path: one for one in found}
        return found

    def _registry(self) -> tuple[Instrument, ...]:
        """Instruments in the order in which they were registered."""
        path = self._folder / _ABOUT
        try:
            words = dict(json.loads(path.read_bytes()))
            if words["store_version"] != STORE_VERSION:
                raise DataError(
                    f"{path}: version {words['store_version']}, this onetape writes {STORE_VERSION}. Use the onetape that made it, or "
                    "another name."
                )
            return tuple(instrument_of(terms, str(path)) for terms in words["instruments"])
        except FileNotFoundError:
            return ()
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(f"{path}: damaged ({type(error).__name__}: {said(error)}). Restore the file.") from error

    def _register(self, batch: Batch) -> NDArray[np.int64]:
        """The position of each instrument of a batch among those of the store."""
        with self._locked(self._folder / ".lock"):
            known = list(self._registry())
            places = {one.symbol: k for k, one in enumerate(known)}
            for one in batch.instruments:
                if one.symbol in places:
                    same_terms(known[places[one.symbol]], one, f"stream {batch.stream!r}, batch {batch.number}")
                else:
                    places[one.symbol] = len(known)
                    known.append(one)
            if len(known) > len(self._registry()):
                words = {"store_version": STORE_VERSION, "instruments": [terms_of(one) for one in known]}
                replace_file(self._folder / _ABOUT, json.dumps(words, indent=1).encode())
        return np.array([places[one.symbol] for one in batch.instruments], dtype=np.int64)

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        """One process at a time; the system releases a lock whose owner was killed."""
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _on_disk(self) -> Iterator[None]:
        """Says by our own error that the disk refuses."""
        try:
            yield
        except OSError as error:
            raise StoreLost(f"{self._folder}: {error.strerror or error}. Make room or give the rights, then repeat the call.") from error

    def close(self) -> None:
        """Nothing is held between calls."""


def _asked(lane: Iterator[Events], kinds: list[int] | None, place: NDArray[np.int64]) -> Iterator[Events]:
    """Of a lane the kinds and instruments asked for; events of no instrument are always."""
    for events in lane:
        owners = events["instrument"].copy()
        events["instrument"] = moved(owners, place)
        keep = (owners == NO_INSTRUMENT) | (events["instrument"] != NO_INSTRUMENT)
        yield events[keep if kinds is None else keep & np.isin(events["kind"], kinds)]
