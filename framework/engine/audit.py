"""The audit: every decision and every answer of a run, in order, in 64-byte records under one hash.

A file is a magic word, the length of a JSON header, the header, the records, and the hash of all of that. Where records have a side
record, such as a venue's ids and texts, the length of the records and their side records come between, see `schema.side`; they are in the
file's hash and not in `digest`, since they decide nothing. The header says
what the run was made of: the tape's digest, the strategy and its parameters, costs, risk, seed. Market events are not copied:
a TAPE record says which of the tape's events were applied before the record that follows it.

Same tape, settings and seed give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from framework.data.tape.event_arrays import joined, taken
from framework.engine.audit_records import HELD_BYTES, AuditRecords
from framework.engine.world import Decision
from framework.errors import DataError
from framework.schema.codec import to_frame
from framework.schema.event import EVENT, Kind
from framework.schema.side import SideRecords

if TYPE_CHECKING:
    import pandas as pd

MAGIC, MAGIC_WITH_SIDES = b"ONETAPE1", b"ONETAPE2"
"""The second where there are side records; a file without them is as it always was."""

_HASH_BYTES = 32


def _encode(header: Mapping[str, object], magic: bytes = MAGIC) -> bytes:
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), default=str).encode()
    return magic + len(text).to_bytes(8, "little") + text


def stated(header: Mapping[str, object]) -> dict[str, object]:
    """A header in values: what it gives as a function, which takes long to work out, is asked for now."""
    return {name: value() if callable(value) else value for name, value in header.items()}


def header_digest(header: Mapping[str, object]) -> str:
    """blake2b-128 of a header, as hex: what a run was made of in 32 letters."""
    return hashlib.blake2b(_encode(stated(header)), digest_size=16).hexdigest()


def _nothing() -> NDArray[np.void]:
    """The log of an audit that was copied: what its run wrote is in its records."""
    return np.zeros(0, dtype=EVENT)


class Audit:
    """Collects a run's records from its log; they are hashed when the digest is asked for.

    Args:
        header: what the run was made of; JSON values, or functions that give them (see `stated`) when the header is first asked for.
        take_log: returns the log's records since the last call and empties it.
        held_bytes: most bytes of records in memory; what is more lies in a temporary file, see `audit_records.AuditRecords`.

    Attributes:
        sides: what stands beside records, by their number.
    """

    def __init__(self, header: Mapping[str, object], take_log: Callable[[], NDArray[np.void]], *, held_bytes: int = HELD_BYTES) -> None:
        self._made_of = dict(header)
        self._take_log = take_log
        self._records = AuditRecords(held_bytes)
        self.sides = SideRecords()
        self._hashed = 0  # records

    def __getstate__(self) -> dict[str, object]:
        return {"header": self.header, "_records": self._records, "sides": self.sides}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._made_of, self._records, self.sides = state["header"], state["_records"], state["sides"]
        self._take_log = _nothing
        self._hashed = 0

    @property
    def header(self) -> dict[str, object]:
        """What the run was made of, and `ended_early` where it did."""
        if any(map(callable, self._made_of.values())):
            self._made_of = stated(self._made_of)
        return self._made_of

    @property
    def ended_early(self) -> str:
        """Why the run ended before its data did; empty where it did not. Asked without working out the header."""
        return str(self._made_of.get("ended_early", ""))

    @cached_property
    def _hash(self) -> hashlib.blake2b:
        return hashlib.blake2b(_encode(self.header), digest_size=_HASH_BYTES)

    def write(self, decision: Decision) -> None:
        """Nothing is to be done: what a decision wrote stands in the log, which is drained when it is full and at the end."""

    def end_early(self, why: str) -> None:
        """Say in the header that the run ended before its data did, and why."""
        self.describe(ended_early=why)

    def describe(self, **words: object) -> None:
        """Set words of the header that were not known when the run began."""
        self._made_of.update(words)
        self.__dict__.pop("_hash", None)
        self._hashed = 0

    def collect(self) -> None:
        """Take in the log as it stands."""
        rows = self._take_log()
        if len(rows):
            self._records.add(rows)

    def close(self) -> None:
        """Take in the last of the log."""
        self.collect()

    @property
    def records(self) -> NDArray[np.void]:
        """All records so far, dtype EVENT; of a long run read-only, from a file."""
        return self._records.whole()

    def since(self, start: int) -> Iterator[NDArray[np.void]]:
        """The records from number `start` on in blocks, for one pass: a long run's are never in memory all at once."""
        return self._records.blocks(start)

    def of_kind(self, *kinds: Kind) -> NDArray[np.void]:
        """The records of some kinds, in order."""
        return joined([taken(rows, np.flatnonzero(np.isin(rows["kind"], kinds))) for rows in self.since(0)])

    @property
    def digest(self) -> str:
        """The hash of header and records so far, hex."""
        for rows in self.since(self._hashed):
            self._hash.update(rows.view(np.uint8).data)
        self._hashed = len(self._records)
        return self._hash.hexdigest()

    def save(self, path: str | Path) -> Path:
        """Write the compact binary form."""
        target = Path(path)
        if self.sides:
            self._save_with_sides(target)
            return target
        with target.open("wb") as file:
            file.write(_encode(self.header))
            for rows in self.since(0):
                file.write(rows.view(np.uint8).data)
            file.write(bytes.fromhex(self.digest))
        return target

    def _save_with_sides(self, target: Path) -> None:
        hashed = hashlib.blake2b(digest_size=_HASH_BYTES)
        with target.open("wb") as file:

            def write(data: bytes | memoryview) -> None:
                hashed.update(data)
                file.write(data)

            write(_encode(self.header, MAGIC_WITH_SIDES))
            write((len(self._records) * EVENT.itemsize).to_bytes(8, "little"))
            for rows in self.since(0):
                write(rows.view(np.uint8).data)
            for block in self.sides.encoded():
                write(block)
            file.write(hashed.digest())

    def to_parquet(self, path: str | Path) -> Path:
        """Write the readable form: one named column a field, enumerations by name."""
        target = Path(path)
        self.to_frame().to_parquet(target)
        return target

    def to_frame(self) -> pd.DataFrame:
        """The records as a table, enumerations by name."""
        return to_frame(self.records, self.sides)


def read(path: str | Path) -> tuple[dict[str, object], NDArray[np.void]]:
    """Read a saved audit; return its header and records.

    Raises:
        DataError: the file is not an audit, is cut short, or its hash does not match its content.
    """
    header, records, _ = _parts(Path(path))
    return header, np.frombuffer(records, dtype=EVENT)


def read_sides(path: str | Path) -> SideRecords:
    """The side records of a saved audit; empty where it has none.

    Raises:
        DataError: as `read`.
    """
    return SideRecords.decoded(_parts(Path(path))[2], str(path))


def _parts(place: Path) -> tuple[dict[str, object], bytes, bytes]:
    """Header, records and side records of a file."""
    data = place.read_bytes()
    if not data.startswith((MAGIC, MAGIC_WITH_SIDES)):
        raise DataError(f"{place}: not an audit: it starts with {data[:8]!r}, expected {MAGIC!r} or {MAGIC_WITH_SIDES!r}")
    start = 16 + int.from_bytes(data[8:16], "little")
    end, has_sides = len(data) - _HASH_BYTES, data.startswith(MAGIC_WITH_SIDES)
    begin = start + 8 if has_sides else start
    body = begin + int.from_bytes(data[start:begin], "little") if has_sides else end
    if not begin <= body <= end or (body - begin) % EVENT.itemsize:
        raise DataError(
            f"{place}: cut short: {len(data)} bytes do not hold a header of {start - 16} bytes and whole records of {EVENT.itemsize}"
        )
    found, expected = hashlib.blake2b(data[:end], digest_size=_HASH_BYTES).hexdigest(), data[end:].hex()
    if found != expected:
        raise DataError(
            f"{place}: its content has hash {found[:16]}..., its last bytes say {expected[:16]}...: it was changed after the run"
        )
    header: dict[str, object] = json.loads(data[16:start])
    return header, data[begin:body], data[body:end]
