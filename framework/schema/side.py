"""Side records: what stands beside an event and decides nothing: ids of venues, texts, who did it and why.

An event is 64 bytes of numbers. What else a venue or a person says of it is kept beside it by its number, in tapes and in audits, and
never enters the kernel.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from typing import BinaryIO, cast
from weakref import finalize

from framework.errors import DataError, InputError

LONGEST_TEXT_BYTES = 65_536
"""Of one text, in UTF-8."""

HELD_BYTES = 16 * 1024 * 1024
"""Most that is held in memory of side records; what is more lies in a temporary file that no folder lists."""

_BLOCK_BYTES = 1024 * 1024
_ROW_BYTES, _LENGTH_BYTES = 8, 4


@dataclass(frozen=True, slots=True)
class SideRecord:
    """What stands beside one event. Texts hold no NUL and no lone surrogate, and are at most `LONGEST_TEXT_BYTES` long; see `cleaned`.

    Attributes:
        venue_id: the venue's id of the order or message.
        execution_id: the venue's id of an execution.
        text: as the venue or a person wrote it.
        who: the person or part of the system that caused it.
        why: the reason in words.
    """

    venue_id: str = ""
    execution_id: str = ""
    text: str = ""
    who: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        for name in SIDE_FIELDS:
            _check_text(name, getattr(self, name))


SIDE_FIELDS = tuple(field.name for field in fields(SideRecord))


def _check_text(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise InputError(f"{name} = {text!r}: must be text, not {type(text).__name__}")
    if "\0" in text:
        raise InputError(f"{name}: a NUL at character {text.index(chr(0))}; rule: none. Clean it with `cleaned`, or leave it out")
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise InputError(f"{name}: a lone surrogate at character {error.start}; rule: none. Clean it with `cleaned`") from None
    if size > LONGEST_TEXT_BYTES:
        raise InputError(f"{name}: {size:,} bytes; rule: at most {LONGEST_TEXT_BYTES:,} in UTF-8. Cut it with `cleaned`")


def cleaned(text: str) -> str:
    """A text as a side record may hold it: NUL and lone surrogates become U+FFFD, what is too long ends in three dots.

    >>> cleaned("a\\0b")
    'a\\ufffdb'
    """
    whole = text.replace("\0", "\ufffd").encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    data = whole.encode("utf-8")
    if len(data) <= LONGEST_TEXT_BYTES:
        return whole
    return data[: LONGEST_TEXT_BYTES - 3].decode("utf-8", "ignore") + "..."


class SideRecords:
    """Side records by the number of their event, ascending; only ever added to. Several may stand beside one event.

    Args:
        held_bytes: most that is held in memory.
    """

    def __init__(self, held_bytes: int = HELD_BYTES) -> None:
        self._held_bytes = held_bytes
        self._held = bytearray()
        self._file: BinaryIO | None = None
        self._count, self._last = 0, -1

    def __len__(self) -> int:
        return self._count

    def __reduce__(self) -> tuple[object, ...]:
        """A copy has a file of its own."""
        return type(self), (self._held_bytes,), None, iter(self)

    def append(self, pair: tuple[int, SideRecord]) -> None:
        """`add`, by the name that copying and pickling ask for."""
        self.add(*pair)

    def extend(self, pairs: Iterable[tuple[int, SideRecord]]) -> None:
        """Each of several."""
        for pair in pairs:
            self.add(*pair)

    def add(self, row: int, side: SideRecord) -> None:
        """Put a side record beside event number `row`.

        Raises:
            InputError: it comes before one that was added.
        """
        if row < max(self._last, 0):
            raise InputError(f"a side record of event {row} after one of event {self._last}; rule: from 0, in the order of the events")
        texts = [text.encode("utf-8") for text in astuple(side)]
        self._held += row.to_bytes(_ROW_BYTES, "little") + b"".join(len(text).to_bytes(_LENGTH_BYTES, "little") + text for text in texts)
        self._count, self._last = self._count + 1, row
        if len(self._held) > self._held_bytes:
            self._put_aside()

    def __iter__(self) -> Iterator[tuple[int, SideRecord]]:
        return _pairs(self.encoded(), "side records")

    def encoded(self) -> Iterator[bytes]:
        """Their bytes in blocks: of each the event's number (8), then of each text its length (4) and its UTF-8."""
        if self._file is not None:
            end, at = self._file.tell(), 0
            while at < end:
                self._file.seek(at)
                block = self._file.read(min(_BLOCK_BYTES, end - at))
                self._file.seek(end)
                at += len(block)
                yield block
        if self._held:
            yield bytes(self._held)

    @classmethod
    def decoded(cls, data: bytes, place: str) -> SideRecords:
        """The inverse of `encoded`.

        Raises:
            DataError: bytes that are none of side records; `place` is named.
        """
        found = cls()
        found.extend(_pairs(iter((data,)), place))
        return found

    def moved(self, place_of: Callable[[int], int]) -> SideRecords:
        """The same beside other events: those whose new place is negative are left out."""
        pairs = sorted(((place_of(row), side) for row, side in self), key=lambda pair: pair[0])
        found = SideRecords(self._held_bytes)
        found.extend(pair for pair in pairs if pair[0] >= 0)
        return found

    def columns(self, rows: int) -> dict[str, list[str]]:
        """A column of texts for each field, as long as the events; of several beside one event, with " | " between."""
        found = {name: [""] * rows for name in SIDE_FIELDS}
        for row, side in self:
            if row >= rows:
                raise InputError(f"a side record of event {row}, but there are {rows} events; rule: beside one that there is")
            for name in SIDE_FIELDS:
                before, text = found[name][row], getattr(side, name)
                found[name][row] = f"{before} | {text}" if before and text else before or text
        return found

    def _put_aside(self) -> None:
        if self._file is None:
            self._file = cast(BinaryIO, tempfile.TemporaryFile(prefix="onetape-"))  # noqa: SIM115 - open as long as `self` lasts
            finalize(self, self._file.close)
        self._file.write(self._held)
        self._held = bytearray()


def _pairs(blocks: Iterator[bytes], place: str) -> Iterator[tuple[int, SideRecord]]:
    """Side records from their bytes, which may be cut anywhere."""
    rest = b""
    for block in blocks:
        rest += block
        at = 0
        while (end := _end_of(rest, at)) > 0:
            yield _pair(rest, at, place)
            at = end
        rest = rest[at:]
    if rest:
        raise DataError(f"{place}: {len(rest)} bytes at the end are no whole side record: the file was cut short. Fetch or save it again")


def _end_of(data: bytes, at: int) -> int:
    """Where the side record at a place ends, 0 where it is not whole."""
    at += _ROW_BYTES
    for _ in SIDE_FIELDS:
        if at + _LENGTH_BYTES > len(data):
            return 0
        at += _LENGTH_BYTES + int.from_bytes(data[at : at + _LENGTH_BYTES], "little")
    return at if at <= len(data) else 0


def _pair(data: bytes, at: int, place: str) -> tuple[int, SideRecord]:
    row, texts = int.from_bytes(data[at : at + _ROW_BYTES], "little"), []
    at += _ROW_BYTES
    for _ in SIDE_FIELDS:
        size = int.from_bytes(data[at : at + _LENGTH_BYTES], "little")
        at += _LENGTH_BYTES
        texts.append(data[at : at + size])
        at += size
    try:
        return row, SideRecord(*(text.decode("utf-8") for text in texts))
    except (UnicodeDecodeError, InputError) as error:
        raise DataError(f"{place}: the side record of event {row} cannot be read: {error}. Save it again") from error
