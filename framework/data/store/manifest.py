"""The manifest of a dataset: what is in it, in which files, where it came from and under which licence."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from enum import IntEnum
from typing import Any, Literal, get_type_hints

from framework.errors import DataError, InputError, did_you_mean
from framework.schema.event import Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step

SCHEMA_VERSION = 1
DIGEST_BYTES = 32

Period = Literal["day", "month", "year"]
PERIODS: tuple[Period, ...] = ("day", "month", "year")


_ADDED = ("account", "product", "strike", "right", "expiry_ns")
"""Fields of an instrument that came later: a manifest without them is as it was."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One Parquet file: events of one instrument within one period, sorted by `ts_local_ns`.

    Attributes:
        path: below the dataset's folder.
        symbol: whose events; "" where they belong to no instrument.
        rows, kinds: how many events, in all and by kind.
        first_ns, last_ns: `ts_local_ns` of the first and of the last event, UTC.
        size: bytes of the file.
        blake2b: of the file's bytes, 256 bits as hex.
        events_blake2b: of its events as 64-byte records, whose `instrument` is 0.
    """

    path: str
    symbol: str
    rows: int
    first_ns: int
    last_ns: int
    kinds: dict[str, int]
    size: int
    blake2b: str
    events_blake2b: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a dataset is.

    Attributes:
        name, version: NAME@VERSION is its folder.
        instruments: by symbol; with all their terms.
        partitions: by symbol, then in order of time.
        source: where the events came from.
        made_by: the command or function that imported them.
        licence: under which they may be used.
        created: when, as whoever imported them said; "" where nobody did.
        partition_by: the period of a partition.
        group_rows: the most rows of a row group.
        notes: sentences the user should read.
        repairs: what was changed in the data on request, in order.
    """

    name: str
    version: int
    instruments: tuple[Instrument, ...]
    partitions: tuple[Partition, ...]
    source: str
    made_by: str
    licence: str
    created: str
    partition_by: Period
    group_rows: int
    notes: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Events in all."""
        return sum(partition.rows for partition in self.partitions)

    @property
    def kinds(self) -> dict[str, int]:
        """Events by kind."""
        counts: Counter[str] = Counter()
        for partition in self.partitions:
            counts.update(partition.kinds)
        return dict(sorted(counts.items()))

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(partition.size for partition in self.partitions)

    @property
    def first_ns(self) -> int:
        """`ts_local_ns` of the first event."""
        return min(partition.first_ns for partition in self.partitions)

    @property
    def last_ns(self) -> int:
        """`ts_local_ns` of the last event."""
        return max(partition.last_ns for partition in self.partitions)

    def digest(self) -> str:
        """blake2b-256, as hex, over everything in the manifest; files are in it by their checksums."""
        return str(self._words()["digest"])

    def to_json(self) -> str:
        """The text of manifest.json."""
        return json.dumps(self._words(), indent=1, ensure_ascii=False) + "\n"

    def _words(self) -> dict[str, Any]:
        words = {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "version": self.version,
            "created": self.created,
            "provenance": {"source": self.source, "made_by": self.made_by, "licence": self.licence},
            "rows": self.rows,
            "kinds": self.kinds,
            "first_ns": self.first_ns,
            "last_ns": self.last_ns,
            "partition_by": self.partition_by,
            "group_rows": self.group_rows,
            "notes": list(self.notes),
            "repairs": list(self.repairs),
            "instruments": [terms_of(instrument) for instrument in self.instruments],
            "partitions": [asdict(partition) for partition in self.partitions],
        }
        return words | {"digest": _digest_of(words)}


def read_manifest(text: str | bytes, place: str) -> Manifest:
    """A manifest from the text of manifest.json; `place` is named in messages.

    Raises:
        DataError: written by another version of the schema, changed since it was written, or not a manifest.
    """
    try:
        words = json.loads(text)
        version = words.pop("schema_version")
        if version != SCHEMA_VERSION:
            raise DataError(
                f"{place}: schema version {version}, this onetape reads {SCHEMA_VERSION}. "
                "Use the onetape that wrote it, or import the source again with this one."
            )
        digest = words.pop("digest")
        if digest != _digest_of({"schema_version": version, **words}):
            raise DataError(f"{place}: its content does not match its digest, so it was damaged or edited. Restore it or import again.")
        return Manifest(
            name=words["name"],
            version=words["version"],
            instruments=tuple(instrument_of(terms, place) for terms in words["instruments"]),
            partitions=tuple(Partition(**partition) for partition in words["partitions"]),
            created=words["created"],
            partition_by=words["partition_by"],
            group_rows=words["group_rows"],
            notes=tuple(words["notes"]),
            repairs=tuple(words["repairs"]),
            **words["provenance"],
        )
    except (ValueError, LookupError, ArithmeticError, RecursionError, TypeError, AttributeError) as error:
        raise DataError(f"{place}: not a manifest ({type(error).__name__}: {error}). Restore it or import again.") from error


def terms_of(instrument: Instrument) -> dict[str, Any]:
    """The fields of an instrument as JSON has them: steps as "1/100", kinds by name; those of `_ADDED` where they say something.

    >>> terms_of(Instrument("X"))["tick"]
    '1/100'
    """
    found = {field.name: (_plain(getattr(instrument, field.name)), field.default) for field in fields(Instrument)}
    return {name: value for name, (value, default) in found.items() if name not in _ADDED or value != default}


def instrument_of(terms: Mapping[str, Any], place: str) -> Instrument:
    """The inverse of `terms_of`.

    Raises:
        DataError: a term that is unknown here, missing without a default, or has no such value.
    """
    hints = get_type_hints(Instrument)
    for word in terms:
        if word not in hints:
            raise DataError(f"{place}: instrument {terms.get('symbol')!r} has the term {word!r}. {did_you_mean(word, hints)}")
    missing = [field.name for field in fields(Instrument) if field.default is MISSING and field.name not in terms]
    if missing:
        raise DataError(f"{place}: instrument {terms.get('symbol')!r} lacks the term {missing[0]!r}. Restore the manifest.")
    try:
        return Instrument(**{word: _typed(hints[word], value) for word, value in terms.items()})
    except (ValueError, KeyError, ArithmeticError, TypeError, InputError) as error:
        raise DataError(f"{place}: instrument {terms.get('symbol')!r}: {error}. Restore the manifest.") from error


def kinds_of(codes: Mapping[int, int]) -> dict[str, int]:
    """Counts by the names of kinds."""
    return {Kind(code).name: count for code, count in sorted(codes.items())}


def _plain(value: Any) -> Any:
    if isinstance(value, Step):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, IntEnum):
        return value.name
    return list(value) if isinstance(value, tuple) else value


def _typed(hint: Any, value: Any) -> Any:
    if hint is Step:
        return Step.of(value)
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return hint[value]
    return tuple(value) if isinstance(value, list) else value


def _digest_of(words: Mapping[str, Any]) -> str:
    content = json.dumps(words, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).hexdigest()
