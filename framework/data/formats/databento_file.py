"""The bytes of a DBN file, packed or not, and its metadata."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from framework.data.checks.library_errors import FETCH_AGAIN, MOST_BYTES, reading, said
from framework.errors import DataError

_BLOCK_BYTES = 1 << 22


def package() -> Any:
    """The package databento-dbn.

    Raises:
        DataError: it is not installed.
    """
    try:
        import databento_dbn
    except ImportError as error:
        raise DataError('DBN files need the package databento-dbn, of the extra "data": pip install "onetape[data]".') from error
    return databento_dbn


def stream(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked."""
    with reading(path):
        with path.open("rb") as raw:
            is_packed = raw.read(4) == b"\x28\xb5\x2f\xfd"
        source: BinaryIO = pa.input_stream(str(path), compression="zstd" if is_packed else None)
    return source


def take(source: BinaryIO, size: int, path: Path) -> bytes:
    """The next bytes; fewer only at the end. Room is made for what is there, not for what a damaged length asks."""
    found: list[bytes] = []
    with reading(path, fault="not a whole file"):
        while size and (block := source.read(min(size, _BLOCK_BYTES))):
            found.append(block)
            size -= len(block)
    return b"".join(found) if len(found) != 1 else found[0]


def head(path: Path) -> tuple[Any, int]:
    """Metadata, and where the records start."""
    dbn = package()
    with stream(path) as source:
        start = take(source, 8, path)
        if len(start) < 8 or start[:3] != b"DBN":
            raise DataError(f"{path}, byte 0: {start[:3]!r}; rule: a DBN file starts with b'DBN'. Fetch it again.")
        if start[3] not in (1, 2, 3):
            raise DataError(f"{path}, byte 3: DBN version {start[3]}; rule: 1 to 3. Convert it with Databento's `dbn` tool.")
        length = int.from_bytes(start[4:8], "little")
        if length > MOST_BYTES:
            raise DataError(f"{path}, byte 4: {length} bytes of metadata; rule: at most {MOST_BYTES >> 20} MB. Fetch it again.")
        body = take(source, length, path)
    if len(body) < length:
        raise DataError(f"{path}: ends inside the metadata, {len(body)} of {length} bytes. Fetch it again.")
    with rust(path, dbn), reading(f"{path}, metadata", also=(dbn.DBNError,)):
        return dbn.Metadata.decode(start + body), 8 + length


@contextmanager
def rust(path: Path, dbn: Any) -> Iterator[None]:
    """What the package's own language calls a panic is no Exception to Python; over damaged bytes it is a DataError."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise DataError(f"{path}: {dbn.__name__} cannot read it: {said(error)}. {FETCH_AGAIN}") from error
