"""Where readers meet other libraries: what those raise over a damaged file becomes a DataError that names the file and a way out.

A block under `reading` holds the call into the library and nothing else of ours, so that a mistake of our own keeps its traceback.
"""

from __future__ import annotations

import csv
import gzip
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from framework.errors import DataError, OneTapeError

DAMAGE: tuple[type[Exception], ...] = (
    *(OSError, EOFError, ValueError, LookupError, ArithmeticError, MemoryError, RuntimeError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile, struct.error, csv.Error, pa.ArrowException),
)
"""What libraries raise over bytes that are not what they should be; RuntimeError holds NotImplementedError and RecursionError."""

SHAPE: tuple[type[Exception], ...] = (TypeError, AttributeError)
"""Raised besides where what was read is well formed and of another shape: a list where a mapping should be, text for a number."""

FETCH_AGAIN = "Fetch the file again."

MOST_BYTES = 1 << 28
"""256 MB: more than any file has that is read whole as text. A packed one is not unpacked further."""

_MOST_CHARACTERS = 300


@contextmanager
def reading(
    place: object, way_out: str = FETCH_AGAIN, *, fault: str = "cannot be read", also: tuple[type[Exception], ...] = ()
) -> Iterator[None]:  # fmt: skip
    """Say by a DataError what a library refuses.

    Args:
        place: the file, and where in it, as the message begins.
        way_out: a sentence that says what to do.
        fault: what the message says is wrong: "not a parquet file", "damaged".
        also: further exceptions that the library raises over damaged input, such as `SHAPE`.

    Raises:
        DataError: in place of what the block raises, unless that is an error of ours already.

    >>> with reading("prices.json"):
    ...     json.loads("{")
    Traceback (most recent call last):
    framework.errors.DataError: prices.json: cannot be read: Expecting property name ... Fetch the file again.
    """
    try:
        yield
    except OneTapeError:
        raise
    except (*DAMAGE, *also) as error:
        if isinstance(error, FileNotFoundError):
            raise DataError(f"{place}: no such file. Correct its name.") from error
        raise DataError(f"{place}: {fault}: {said(error)}. {way_out}") from error


def said(error: BaseException) -> str:
    """What an exception says, on one line and without its last full stop; its type where it says nothing or only a key."""
    text = " ".join(str(error).split()).rstrip(".")
    if not text or isinstance(error, KeyError):
        text = f"{type(error).__name__} {text}".strip()
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."


def opened(path: Path) -> IO[bytes]:
    """A file's bytes, unpacked where its name ends in .gz."""
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def bytes_of(path: Path) -> bytes:
    """A whole file, unpacked where its name ends in .gz.

    Raises:
        DataError: it cannot be read, is damaged, or holds more than `MOST_BYTES`.
    """
    with reading(path), opened(path) as stream:
        data = stream.read(MOST_BYTES + 1)
    if not data and path.suffix == ".gz" and not path.stat().st_size:  # an empty file unpacks to nothing without a word
        raise DataError(f"{path}: empty; rule: a gzip stream. {FETCH_AGAIN}")
    if len(data) > MOST_BYTES:
        raise DataError(f"{path}: more than {MOST_BYTES >> 20} MB; rule: no file of its kind is so large. Give another one.")
    return data


def text_of(path: Path) -> str:
    """A whole file as text, unpacked where its name ends in .gz; a byte order mark is left out.

    Raises:
        DataError: as `bytes_of`; a byte that is not UTF-8, with its line.
    """
    data = bytes_of(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at, line = error.start, data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path.name}, line {line}, byte {at}: {data[at : at + 1]!r}; rule: UTF-8 text. Save the file as UTF-8, or fetch it again."
        ) from error


def json_of(text: str | bytes, place: object, way_out: str = FETCH_AGAIN) -> Any:
    """What a JSON text holds.

    Raises:
        DataError: not JSON, or nested so deeply that it cannot be read.
    """
    with reading(place, way_out):
        return json.loads(text)
