"""Small readers of their own, slow and strict, in Python's own numbers: what a damaged file says, if it still says anything.

Each gives rows of (stamp or day, kind, instrument, numbers...) as `rows_of` gives them of our readers' events.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import struct
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Row = tuple[Any, ...]
EASTERN = ZoneInfo("America/New_York")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Unreadable(Exception):
    """What the file holds is no longer of its format."""


def number(text: object) -> Fraction:
    if isinstance(text, (int, float, Decimal)) and not isinstance(text, bool):
        return Fraction(text) if text == text and abs(text) < 10**30 else _never(text)
    if isinstance(text, str) and re.fullmatch(r"0[xX][0-9a-fA-F]+", text):
        return Fraction(int(text, 16))
    found = re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*", str(text), re.ASCII)
    return Fraction(str(text).strip()) if found and isinstance(text, str) else _never(text)


def whole(text: object) -> int:
    value = number(text)
    return value.numerator if value.denominator == 1 else _never(text)


def _never(text: object) -> Any:
    raise Unreadable(repr(text)[:60])


def iso_ns(text: str) -> int:
    """UTC ns of 2020-01-31T15:30[:00[.123]]Z or with an offset."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?\s*(Z|[+-]\d\d:?\d\d)", text.strip(), re.ASCII)
    if not found:
        return _never(text)
    day, clock, seconds, fraction, zone = found.groups()
    try:
        moment = dt.datetime.fromisoformat(f"{day}T{clock}:{seconds or '00'}{'+00:00' if zone == 'Z' else zone}")
    except ValueError:
        return _never(text)
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + int((fraction or "0").ljust(9, "0"))


def table(data: bytes, header: list[str] | None = None) -> list[dict[str, str]]:
    try:
        text = data.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(str(error)) from error
    names = header or ([name.strip().lower() for name in rows.pop(0)] if rows else [])
    if "\0" in text or not names or len(set(names)) < len(names) or any(len(row) != len(names) for row in rows):
        raise Unreadable("no table")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _got(row: dict[str, str], *names: str) -> list[str]:
    return [row[name] if name in row else _never(name) for name in names]


BAR = ("open", "high", "low", "close", "volume")


def bars(data: bytes) -> list[Row]:
    return [(iso_ns(_got(row, "ts")[0]), "BAR", "ACME", *map(number, _got(row, *BAR))) for row in table(data)]


def symbols(data: bytes) -> list[Row]:
    rows = [(iso_ns(_got(row, "ts")[0]), "BAR", _got(row, "symbol")[0], *map(number, _got(row, *BAR))) for row in table(data)]
    return sorted(rows, key=lambda row: (row[0], row[2]))


def trades(data: bytes) -> list[Row]:
    def one(row: dict[str, str]) -> Row:
        ts, price, size, side, number_ = _got(row, "ts", "price", "size", "side", "trade_id")
        word = side.lower() if side.lower() in ("buy", "sell") else _never(side)
        return (whole(ts) * 10**6, "TRADE", "acme", number(price), number(size), whole(number_), word)

    return [one(row) for row in table(data)]


def quotes(data: bytes) -> list[Row]:
    names = ("bid", "ask", "bid_size", "ask_size")
    return [(whole(_got(row, "ts")[0]) * 10**6, "QUOTE", "acme", *map(number, _got(row, *names))) for row in table(data)]


def funding(data: bytes) -> list[Row]:
    return [(whole(_got(row, "ts")[0]) * 10**6, "FUNDING", "acme", number(_got(row, "rate")[0])) for row in table(data)]


def lean_minutes(data: bytes) -> list[Row]:
    midnight = dt.datetime(2014, 6, 5, tzinfo=EASTERN)

    def one(row: dict[str, str]) -> Row:
        since = number(row["ms"])
        ns = int((midnight - EPOCH).total_seconds()) * 10**9 + round(since * 10**6) + 60 * 10**9
        return (ns, "BAR", "AAPL", *(number(row[name]) / 10_000 for name in BAR[:4]), number(row["volume"]))

    return [one(row) for row in table(data, ["ms", *BAR])]


def lobster(data: bytes) -> list[Row]:
    """Trades only: what DEPTH holds depends on the book before it."""
    midnight = int((dt.datetime(2012, 6, 21, tzinfo=EASTERN) - EPOCH).total_seconds()) * 10**9
    found = []
    for row in table(data, ["time", "type", "id", "size", "price", "way"]):
        if whole(row["type"]) in (4, 5, 6):
            found.append(
                (midnight + round(number(row["time"]) * 10**9), "TRADE", "ACME", number(row["price"]) / 10_000, number(row["size"]))
            )
    return found


def captured(data: bytes) -> set[Row]:
    """Every (local stamp, price, size) of numbers beside each other in a capture's messages, whoever's they are."""
    found: set[Row] = set()
    for line in data.split(b"\n"):
        head = re.match(rb"(\d+)(?:\.(\d+))?:? (.*)", line, re.DOTALL)
        try:
            words = json.loads(head[3]) if head else None
        except (ValueError, RecursionError):
            continue
        if head is None or words is None:
            continue
        stamp = int(head[1]) if len(head[1]) > 12 else int(head[1]) * 10**9 + int((head[2] or b"0").ljust(9, b"0")[:9])
        found |= {(stamp, *pair) for pair in _pairs(words)}
    return found


def _pairs(words: Any) -> set[tuple[Fraction, Fraction]]:
    found: set[tuple[Fraction, Fraction]] = set()
    if isinstance(words, dict):
        for a, b in (("p", "q"), ("price", "size"), ("b", "B"), ("a", "A")):
            found |= _pair(words.get(a), words.get(b))
    if isinstance(words, list):
        for a, b in pairwise(words):
            found |= _pair(a, b)
    for inner in words.values() if isinstance(words, dict) else words if isinstance(words, list) else ():
        found |= _pairs(inner)
    return found


def _pair(a: object, b: object) -> set[tuple[Fraction, Fraction]]:
    try:
        return {(number(a), number(b))}
    except Unreadable:
        return set()


def itch(data: bytes) -> list[Row]:
    """Adds, deletes and executions of whole orders, as `small_files.itch_day` writes them."""
    midnight = int((dt.datetime(2024, 7, 1, tzinfo=EASTERN) - EPOCH).total_seconds()) * 10**9
    names: dict[int, str] = {}
    book: dict[int, tuple[int, int]] = {}
    found: list[Row] = []
    at = 0
    while at < len(data):
        size = struct.unpack_from(">H", data, at)[0]
        text, at = data[at + 2 : at + 2 + size], at + 2 + size
        kind, locate, stamp = chr(text[0]), struct.unpack_from(">H", text, 1)[0], midnight + int.from_bytes(text[5:11], "big")
        if kind == "R":
            names[locate] = text[11:19].decode("ascii", "replace").strip()
        if kind not in "AEXDPQUCF":
            continue
        ref = struct.unpack_from(">Q", text, 11)[0]
        if kind in "AF":
            shares, price = struct.unpack_from(">I", text, 20)[0], struct.unpack_from(">I", text, 32)[0]
            book[ref] = price, shares
            found.append((stamp, "DEPTH", names[locate], Fraction(price, 10_000), Fraction(shares)))
        elif kind in "DEX" and ref in book:
            price, shares = book[ref]
            taken = shares if kind == "D" else struct.unpack_from(">I", text, 19)[0]
            if kind == "E":
                found.append((stamp, "TRADE", names[locate], Fraction(price, 10_000), Fraction(taken)))
            book[ref] = price, shares - taken
            found.append((stamp, "DEPTH", names[locate], Fraction(price, 10_000), Fraction(shares - taken)))
        else:
            raise Unreadable(kind)
    return found


def dbn_bars(data: bytes) -> list[Row]:
    start, found = 8 + int.from_bytes(data[4:8], "little"), []
    for at in range(start, len(data), 56):
        _, _, _, owner, stamp, *prices, volume = struct.unpack_from("<BBHIQqqqqQ", data, at)
        found.append((stamp + 60 * 10**9, "BAR", str(owner), *(Fraction(price, 10**9) for price in prices), Fraction(volume)))
    return found


def arrow(path: Path, columns: tuple[str, ...]) -> list[list[Any]]:
    """The values of a Parquet or feather file, row by row, as its own library hands them out."""
    from pyarrow import feather, parquet

    read = parquet.read_table(path) if path.suffix == ".parquet" else feather.read_table(path)
    return [[row[name] for name in columns] for row in read.to_pylist()]
