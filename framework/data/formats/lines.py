"""Lines of captured websocket messages with their local stamps.

Two ways of writing a line are known, both plain or gzipped:

    hftbacktest    1723161256172216566 {"stream":...}             local ns, message
    cryptofeed     1633998512.0633569: {"stream":...}             local s: message
                   https://... -> 1633998512.320639: {...}        address -> local s: answer
"""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from framework.data.checks.far_off import FAR_OFF, LATEST_NS
from framework.data.checks.library_errors import FETCH_AGAIN, MOST_BYTES, reading
from framework.errors import DataError

Truncated = Literal["refuse", "allow"]

BLOCK_BYTES = 1024 * 1024
UNPACKED_BYTES = 1 << 25
"""32 MB: unpacked at once, however much a block of the file holds."""
_MOST_DIGITS = 19
_LINE = re.compile(rb"(?:(?P<url>\S{1,9999}) -> )?(?P<stamp>\d{1,9999}(?:\.\d{1,9999})?):? (?P<text>.*)", re.DOTALL)
_TALK = re.compile(rb"\S{1,9999} <-|configuration: |\s*$")  # what was sent, when a connection opened, blank lines


class Line(NamedTuple):
    """One message as captured: where it stands, when it came, from which address where that is said, and what it is."""

    stamp_ns: int
    file: str
    number: int
    url: str
    message: Any

    @property
    def place(self) -> str:
        """File and line, for messages."""
        return f"{self.file}, line {self.number}"


def lines(path: Path, truncated: Truncated, cut: Counter[str]) -> Iterator[Line]:
    """The messages of a capture in their order; what the capturing program said itself is passed over.

    Args:
        path: plain or gzipped.
        truncated: whether a file that ends inside a gzip stream or a line may be read up to there.
        cut: gets a sentence where it was.

    Raises:
        DataError: no such file; damaged or cut; a line that is not a stamp and JSON; stamps that run backwards.
    """
    last = 0
    for number, (text, is_whole) in enumerate(_texts(path), start=1):
        if not is_whole:
            if truncated == "refuse":
                raise DataError(
                    f"{path.name}, line {number}: the gzip stream ends here, before its end. Fetch the file again, or read up to "
                    'here with truncated="allow".'
                )
            cut[f"{path.name} is cut short in line {number}, which was left out"] += 1
            return
        line = _parsed(path, number, text)
        if line is None:
            continue
        if line.stamp_ns < last:
            raise DataError(
                f"{line.place}: local stamp {line.stamp_ns} is before the {last} of the message above; rule: a capture is in order of "
                "arrival. Sort it, or read its connections as separate files."
            )
        last = line.stamp_ns
        yield line


def _parsed(path: Path, number: int, text: bytes) -> Line | None:
    found = _LINE.fullmatch(text)
    if found is None:
        if _TALK.match(text):
            return None
        raise DataError(
            f"{path.name}, line {number}: {text[:60]!r}; rule: a line is a local stamp and a message: '1723161256172216566 {{...}}' or "
            "'1633998512.0633569: {...}'. Correct or remove it."
        )
    place = f"{path.name}, line {number}"
    with reading(place, "Correct or remove the line.", fault="not JSON"):
        message = json.loads(found["text"])
    whole, _, fraction = found["stamp"].partition(b".")
    if len(whole) > _MOST_DIGITS:
        raise DataError(f"{place}: local stamp {found['stamp'][:60]!r}; rule: {FAR_OFF}. Correct or remove the line.")
    stamp = int(whole) if len(whole) > 12 else int(whole) * 1_000_000_000 + int(fraction.ljust(9, b"0")[:9])
    if stamp > LATEST_NS:
        raise DataError(f"{place}: local stamp {stamp} ns; rule: {FAR_OFF}. Correct or remove the line.")
    return Line(stamp, path.name, number, (found["url"] or b"").decode("utf-8", "replace"), message)


def _texts(path: Path) -> Iterator[tuple[bytes, bool]]:
    """Lines without their ends, and whether each is whole; the last may not be."""
    rest: list[bytes] = []  # parts of a line whose end was not found yet: joined once, however long it is
    length = 0
    with reading(path, "Correct its rights."):
        opened = path.open("rb")
    with opened as file:
        unpack = zlib.decompressobj(31) if file.read(2) == b"\x1f\x8b" else None
        file.seek(0)
        while block := file.read(BLOCK_BYTES):
            while block:
                with reading(f"{path.name}, before byte {file.tell()}", fault="not a whole gzip stream"):
                    found = block if unpack is None else unpack.decompress(block, UNPACKED_BYTES)
                block = b"" if unpack is None else unpack.unconsumed_tail
                if unpack is not None and unpack.eof and unpack.unused_data:
                    block, unpack = unpack.unused_data, zlib.decompressobj(31)
                first, *others = found.split(b"\n")
                rest.append(first)
                length += len(first)
                if others:
                    *whole, last = others
                    yield b"".join(rest), True
                    yield from ((text, True) for text in whole)
                    rest, length = [last], len(last)
                if length > MOST_BYTES:
                    raise DataError(f"{path.name}: a line of more than {MOST_BYTES >> 20} MB; rule: one message a line. {FETCH_AGAIN}")
    if unpack is not None and not unpack.eof:
        yield b"".join(rest), False
    elif length:
        yield b"".join(rest), True
