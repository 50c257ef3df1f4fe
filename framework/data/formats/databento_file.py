"""The bytes of a DBN file, packed or not, and its metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from framework.errors import DataError


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
    try:
        with path.open("rb") as raw:
            is_packed = raw.read(4) == b"\x28\xb5\x2f\xfd"
        source: BinaryIO = pa.input_stream(str(path), compression="zstd" if is_packed else None)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error}.") from error
    return source


def take(source: BinaryIO, size: int, path: Path) -> bytes:
    """The next bytes; fewer only at the end."""
    try:
        return source.read(size)
    except OSError as error:
        raise DataError(f"{path}: cut or damaged: {error}. Fetch it again.") from error


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
        body = take(source, length, path)
    if len(body) < length:
        raise DataError(f"{path}: ends inside the metadata, {len(body)} of {length} bytes. Fetch it again.")
    try:
        return dbn.Metadata.decode(start + body), 8 + length
    except (dbn.DBNError, ValueError) as error:
        raise DataError(f"{path}: metadata that cannot be read: {error}. Fetch it again.") from error
