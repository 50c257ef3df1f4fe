"""A tape in a file of its own, whole: its events, what stands beside them, and its instruments.

For a tape that is no dataset, such as the record of a session with the venue's ids and texts. Parquet, a column a field; instruments,
calendars and notes stand in the schema.
"""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from framework.data.checks.library_errors import FETCH_AGAIN, reading
from framework.data.store.manifest import instrument_of, terms_of
from framework.data.tape import Tape
from framework.errors import DataError
from framework.schema import codec

_ABOUT = "onetape.tape"


def save_tape(tape: Tape, path: str | Path) -> Path:
    """Write a tape; `load_tape` gives the same one back, digest and side records too."""
    words = {
        "instruments": [terms_of(instrument) for instrument in tape.instruments],
        "currencies": tape.currencies,
        "calendars": tape.calendars,
        "notes": tape.notes,
        "name": tape.name,
        "digest": tape.digest(),
    }
    return codec.to_parquet(tape.events, path, tape.sides, {_ABOUT: json.dumps(words)})


def load_tape(path: str | Path) -> Tape:
    """Read a tape that `save_tape` wrote.

    Raises:
        DataError: it is none, or its content is not what was written.
    """
    place = str(path)
    with reading(place, FETCH_AGAIN, also=(pa.ArrowInvalid,)):
        about = pq.read_schema(path).metadata or {}
    if _ABOUT.encode() not in about:
        raise DataError(f"{place}: it says nothing of a tape; rule: a file that `save_tape` wrote. Read events alone by `from_parquet`")
    words = json.loads(about[_ABOUT.encode()])
    events = codec.from_parquet(path)
    events.setflags(write=False)
    tape = Tape(
        tuple(instrument_of(terms, place) for terms in words["instruments"]),
        tuple(words["currencies"]),
        tuple(words["calendars"]),
        events,
        tuple(words["notes"]),
        words["name"],
        codec.sides_from_parquet(path),
    )
    if tape.digest() != words["digest"]:
        raise DataError(
            f"{place}: its tape has digest {tape.digest()[:16]}..., it says {words['digest'][:16]}...: it was changed. {FETCH_AGAIN}"
        )
    return tape
