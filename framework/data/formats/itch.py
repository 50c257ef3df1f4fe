"""Nasdaq TotalView-ITCH 5.0 files: messages after a two-byte length, as Nasdaq publishes a day (.gz too)."""

from __future__ import annotations

import datetime as dt
import gzip
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from framework.data.checks.library_errors import FETCH_AGAIN, reading
from framework.data.formats import itch_messages as messages
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError, did_you_mean
from framework.schema.event import EVENT
from framework.schema.instrument import Instrument
from framework.schema.units import Step

_CHUNK_BYTES = 1 << 21
_STOCK = re.compile(r"[!-~]{1,8}")


def read(path: str | Path, *, date: dt.date, symbols: Sequence[str] | None = None) -> Recording:
    """Read one day.

    Args:
        path: the file.
        date: of the day, in New York: stamps count from its midnight there.
        symbols: which to keep; if not given, all of the stock directory.

    Add, execute, cancel, delete and replace become DEPTH of single orders; executions, hidden trades (P) and crosses (Q) become TRADE.
    An execution marked not printable changes the book only: its cross prints it. Who took is the other side of the standing order;
    P and Q do not say. Q is the print of an opening, closing or intraday auction and carries AUCTION. A trading action becomes HALT:
    0 for T, else 1. Messages are not numbered in a file, so there are no GAPs.
    Counts of every message are in the notes; system events, broken trades and whatever else has no event are among them.

    Raises:
        DataError: an unknown message, a wrong length, a cut file, an order never added, more taken than stands, stamps out of order.
    """
    path = Path(path)
    counts = np.zeros(256, dtype=np.int64)
    directory: dict[int, str] = {}
    locates: dict[str, int] = {}
    for data, size, offset in _chunks(path):
        found = np.zeros((len(data) // 39 + 1), dtype=np.int64)
        number = messages.scan(data, size, counts, found)
        for at in found[:number].tolist():
            name = data[at + 11 : at + 19].tobytes().decode("ascii", "replace").strip()
            locate = int(data[at + 1]) << 8 | int(data[at + 2])
            if directory.setdefault(locate, name) != name:
                raise DataError(
                    f"{path}, byte {offset + at}: locate {locate} is {name!r} and was {directory[locate]!r}. Fetch the file again."
                )
            if locates.setdefault(name, locate) != locate or not _STOCK.fullmatch(name):
                raise DataError(
                    f"{path}, byte {offset + at}: stock {name!r}, locate {locate}; rule: a stock has a name of letters and signs and one "
                    f"locate. {FETCH_AGAIN}"
                )
    for symbol in symbols or ():
        if symbol not in directory.values():
            raise DataError(f"{path}: no stock {symbol!r}. {did_you_mean(symbol, directory.values())}")
    kept = sorted(locate for locate, name in directory.items() if symbols is None or name in symbols)
    index = np.full(65_536, messages.UNKNOWN, dtype=np.int64)
    index[list(directory)] = messages.LEFT_OUT
    index[kept] = np.arange(len(kept))
    instruments = tuple(Instrument(directory[locate], Step(1, 10_000), venue="XNAS", calendar="XNYS") for locate in kept)
    if not counts.any():
        raise DataError(f"{path}: no messages. {FETCH_AGAIN}")
    counted = ", ".join(f"{counts[code]} {chr(code)}" for code in range(256) if counts[code])
    notes = [f"{path.name}: messages by type: {counted or 'none'}."]
    if counts[ord("B")]:
        notes.append(f"{path.name}: {counts[ord('B')]} trades were broken later; they are among the trades.")
    local = dt.datetime(date.year, date.month, date.day, tzinfo=ZoneInfo("America/New_York"))
    midnight = int(local.timestamp()) * 10**9

    def parts() -> Iterator[Events]:
        orders, state = messages.orders(), np.array([midnight, 0], dtype=np.int64)
        for data, size, offset in _chunks(path):
            events = np.zeros(size // 9 + 2, EVENT)  # the densest is a replace: 37 bytes, two events
            number = messages.parse(data, size, index, orders, state, events)
            if number < 0:
                _refuse(path, offset, data, state, -number)
            if number:
                yield events[:number].copy()

    return Recording(instruments, parts, str(path), tuple(notes))


def _refuse(path: Path, offset: int, data: NDArray[np.uint8], state: NDArray[np.int64], fault: int) -> None:
    at = int(state[1])
    rules = {
        messages.NO_ORDER: "an order is added before it is changed",
        messages.TOO_MANY: "no more is taken from an order than stands, and orders and trades have shares and a price",
        messages.BACKWARDS: "no stamp is before the one before it, nor past 24 hours",
        messages.NO_STOCK: "a stock is in the directory before it trades",
        messages.TWICE: "an order reference is used once",
        messages.BAD_CODE: "a side is B or S, a trading state H, P, Q or T",
    }
    raise DataError(f"{path}, byte {offset + at}, message {chr(data[at])}: rule: {rules[fault]}. The file is damaged; fetch it again.")


def _chunks(path: Path) -> Iterator[tuple[NDArray[np.uint8], int, int]]:
    """Bytes of whole messages, how many they are, and where they start in the file."""
    rest, offset = b"", 0
    with _opened(path) as stream:
        while True:
            with reading(f"{path}, byte {offset}", fault="not a whole file"):
                block = stream.read(_CHUNK_BYTES)
            data: Any = np.frombuffer(rest + block, dtype=np.uint8)
            size = messages.whole(data)
            if size < 0:
                at = -size - 1
                kind, length = chr(data[at + 2]), int(data[at]) << 8 | int(data[at + 1])
                raise DataError(
                    f"{path}, byte {offset + at + 2}: message {kind!r} of {length} bytes; rule: a message of ITCH 5.0 of its length, "
                    f"{int(messages.LENGTHS[data[at + 2]]) or 'none for this type'}. This is another version, or the file is damaged. "
                    f"{FETCH_AGAIN}"
                )
            if not block:
                if size < len(data):
                    raise DataError(f"{path}, byte {offset + size}: ends inside a message, {len(data) - size} bytes left. {FETCH_AGAIN}")
                return
            if size:
                yield data, size, offset
            rest, offset = data[size:].tobytes(), offset + size


def _opened(path: Path) -> Any:
    with reading(path):
        return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
