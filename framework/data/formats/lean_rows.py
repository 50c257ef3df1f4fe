"""From the rows of one Lean zip to events: read, checked, scaled, stamped at the close."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from framework.data.checks.far_off import EARLIEST_NS, FAR_OFF, LATEST_NS
from framework.data.checks.library_errors import FETCH_AGAIN, reading, said
from framework.data.formats.lean_files import RESOLUTIONS, LeanFile
from framework.data.formats.lean_reference import PRICE_SCALE, SCALED
from framework.data.reference.calendar import ALWAYS_OPEN, is_bars, session_table
from framework.errors import DataError
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND, Step, to_steps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

_BAR = ("open", "high", "low", "close", "volume")
_QUOTE_BAR = ("bid open", "bid high", "bid low", "bid close", "bid size", "ask open", "ask high", "ask low", "ask close", "ask size")
_QUOTE = ("bid", "bid size", "ask", "ask size")
_TEXT = ("exchange", "condition")
AUCTION_CONDITIONS = 0x40 | 0x80 | 0x100
"""Bits of an equity trade's sale condition: the print of a single-priced opening, closing or reopening transaction."""
_MOST_CONDITIONS = 2.0**48
_MS_PER_DAY = 86_400_000
_MOST_BYTES = 1 << 30
_CUT = "It may be cut short; fetch it again."
_EPOCH = dt.date(1970, 1, 1)
_SUM_NOISE = 1e-13
"""Relative, of a sum of many doubles."""


def columns_of(file: LeanFile) -> list[tuple[str, ...]]:
    """The columns that a file may have, after its stamp; Lean's ticks differ by type, and older ones lack the last."""
    if file.kind == "openinterest":
        return [("open interest",)]
    if file.resolution != "tick":
        return [_BAR if file.kind == "trade" else _QUOTE_BAR]
    if file.kind == "trade":
        if file.security_type in ("crypto", "cryptofuture"):
            return [("price", "size", "suspicious"), ("price", "size")]
        return [("price", "size", "exchange", "condition", "suspicious")]
    if file.security_type in ("forex", "cfd"):
        return [("bid", "ask")]
    if file.security_type in ("crypto", "cryptofuture"):
        return [(*_QUOTE, "suspicious"), _QUOTE]
    if file.security_type == "equity":
        return [(*_QUOTE, "exchange", "condition", "suspicious")]
    return [(*_QUOTE, "exchange", "suspicious")]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one zip, member after member.

    Attributes:
        file: where they come from.
        members: the names read, and `ends`, the row past the last of each.
        owner: position of each row's instrument.
        opens: local stamps as written, ns since 1970 without a zone.
        values: numbers by column; NaN where the field was blank.
        numbers: which row of the zip each is, from 0 over all members.
    """

    file: LeanFile
    members: tuple[str, ...]
    ends: Ints
    owner: Ints
    opens: Ints
    values: dict[str, Floats]
    numbers: Ints

    def place(self, row: int) -> str:
        """How a message names a row."""
        number = int(self.numbers[row])
        member = int(np.searchsorted(self.ends, number, side="right"))
        line = number - (int(self.ends[member - 1]) if member else 0) + 1
        return f"{self.file.path.name}, member {self.members[member]}, line {line}"

    def refuse(self, broken: Mask, column: str, rule: str) -> None:
        """Raise for the first row where `broken` holds."""
        if broken.any():
            row = int(np.argmax(broken))
            value = self.values[column][row] if column in self.values else _clock(int(self.opens[row]))
            shown = "empty" if isinstance(value, float) and np.isnan(value) else f"{value:.15g}" if not isinstance(value, str) else value
            raise DataError(
                f"{self.place(row)}, column {column}: {shown}; rule: {rule}; {int(broken.sum())} in all. Correct or remove the rows."
            )

    def only(self, keep: Mask) -> Rows:
        """The rows where `keep` holds."""
        values = {name: column[keep] for name, column in self.values.items()}
        return Rows(self.file, self.members, self.ends, self.owner[keep], self.opens[keep], values, self.numbers[keep])


def member_names(file: LeanFile) -> list[str]:
    """The CSV members of a zip, sorted.

    Raises:
        DataError: not a zip, or nothing in it.
    """
    with reading(file.path, _CUT, fault="not a zip that can be read"), zipfile.ZipFile(file.path) as archive:
        names = sorted(name for name in archive.namelist() if not name.endswith("/"))
    if not names:
        raise DataError(f"{file.path}: the zip is empty. Fetch it again.")
    return names


def read_rows(file: LeanFile, owners: dict[str, int]) -> Rows:
    """Read the members named in `owners` (instrument by member) and check the order of their rows.

    Raises:
        DataError: a damaged zip, a wrong number of columns, a field that is no number, stamps out of order.
    """
    members, texts = tuple(owners), []
    with reading(file.path, _CUT, fault="not a zip that can be read"), zipfile.ZipFile(file.path) as archive:
        for member in members:
            with archive.open(member) as stream:
                text = stream.read(_MOST_BYTES + 1)
            if len(text) > _MOST_BYTES:
                raise DataError(f"{file.path.name}, member {member}: more than {_MOST_BYTES >> 20} MB; rule: a day or a series. {_CUT}")
            texts.append(text if text.endswith(b"\n") or not text else text + b"\n")
    table, columns = _parse(file, members, texts)
    counts = np.array([text.count(b"\n") for text in texts], np.int64)
    stamps = table.column("time")
    if int(counts.sum()) != table.num_rows or stamps.null_count:
        _say_what_is_wrong(file, members, texts, columns, "blank lines")
    owner = np.repeat(np.fromiter(owners.values(), np.int64, len(members)), counts)
    values = {
        name: table.column(name).to_numpy(zero_copy_only=False).astype(np.float64)
        for name in columns
        if name not in _TEXT
    }  # fmt: skip
    if "condition" in table.column_names:
        values["condition"] = _conditions(file, members, texts, columns, table)
    rows = Rows(file, members, np.cumsum(counts), owner, _opens(file, stamps), values, np.arange(table.num_rows))
    if file.day is not None:
        since = rows.opens - _day_ns(file)
        rows.refuse((since < 0) | (since > NANOSECONDS_PER_DAY), "time", f"0 <= milliseconds since midnight <= {_MS_PER_DAY}")
    rows.refuse((rows.opens < EARLIEST_NS) | (rows.opens > LATEST_NS), "time", FAR_OFF)
    starts = np.zeros(table.num_rows, np.bool_)
    starts[rows.ends[:-1][rows.ends[:-1] < table.num_rows]] = True
    step = np.diff(rows.opens, prepend=rows.opens[:1])
    ticks = file.resolution == "tick" or file.kind == "openinterest"
    rule = "stamps do not run backwards" if ticks else "one row a stamp, in order of time"
    late = step < 0 if ticks else step <= 0
    late[:1] = False
    rows.refuse(late & ~starts, "time", rule)
    return rows


def _conditions(file: LeanFile, members: tuple[str, ...], texts: Sequence[bytes], columns: tuple[str, ...], table: Any) -> Floats:
    """The sale conditions, written in hexadecimal, as numbers; a blank is 0."""
    column = table.column("condition").combine_chunks()
    try:
        known = np.array([int(word or "0", 16) for word in column.dictionary.to_pylist()] + [0], np.float64)
        if (known >= _MOST_CONDITIONS).any() or any("_" in word for word in column.dictionary.to_pylist()):
            raise ValueError("no condition has so many bits")
    except (ValueError, OverflowError):
        _say_what_is_wrong(file, members, texts, columns, "a sale condition that is no hexadecimal number")
    found: Floats = np.take(known, column.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False))
    return found


def _parse(file: LeanFile, members: tuple[str, ...], texts: Sequence[bytes]) -> tuple[Any, tuple[str, ...]]:
    body = b"".join(texts)
    allowed = columns_of(file)
    width = body[: body.find(b"\n")].count(b",")
    columns = next((one for one in allowed if len(one) == width), allowed[0])
    stamp = pa.timestamp("s") if RESOLUTIONS[file.resolution] >= RESOLUTIONS["hour"] else pa.float64()
    types: dict[str, Any] = {name: pa.float64() for name in columns if name not in _TEXT}
    if file.kind == "trade" and file.security_type == "equity" and "condition" in columns:  # the only ones whose codes are told
        types["condition"] = pa.dictionary(pa.int32(), pa.string())
    if not body:
        return pa.table({"time": pa.array([], stamp), **{name: pa.array([], kind) for name, kind in types.items()}}), columns
    try:
        table = csv.read_csv(
            io.BytesIO(body),
            read_options=csv.ReadOptions(column_names=["time", *columns], use_threads=False, block_size=max(len(body) + 1, 1 << 20)),
            parse_options=csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types={"time": stamp, **types},
                include_columns=["time", *types],
                timestamp_parsers=["%Y%m%d %H:%M"],
                null_values=[""],
            ),
        )
    except pa.ArrowException as error:
        _say_what_is_wrong(file, members, texts, columns, said(error))
    return table, columns


def _say_what_is_wrong(file: LeanFile, members: Sequence[str], texts: Sequence[bytes], columns: tuple[str, ...], reason: str) -> NoReturn:
    """Find the first line that cannot be read; only called when one is there."""
    for member, text in zip(members, texts, strict=True):
        for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), 1):
            place = f"{file.path.name}, member {member}, line {number}"
            fields = line.split(",")
            if len(fields) != len(columns) + 1:
                raise DataError(
                    f"{place}: {len(fields)} columns in {line[:80]!r}; rule: {file.security_type} {file.resolution} {file.kind} rows have "
                    f"{len(columns) + 1} (time, {', '.join(columns)}). Correct the row."
                )
            for name, field in zip(("time", *columns), fields, strict=True):
                if not _readable(file, name, field):
                    raise DataError(f"{place}, column {name}: {field!r}; rule: a {_meaning(file, name)}. Correct the row.")
    raise DataError(f"{file.path}: cannot be read: {reason}. {FETCH_AGAIN}")


def _readable(file: LeanFile, name: str, field: str) -> bool:
    if name in _TEXT:
        return name == "exchange" or file.kind != "trade" or re.fullmatch("[0-9a-fA-F]{0,12}", field) is not None
    if name == "time" and RESOLUTIONS[file.resolution] >= RESOLUTIONS["hour"]:
        return not pd.isna(pd.to_datetime(field, format="%Y%m%d %H:%M", errors="coerce"))
    return (name != "time" and not field) or not pd.isna(pd.to_numeric(field, errors="coerce"))


def _meaning(file: LeanFile, name: str) -> str:
    if name == "time":
        return "stamp yyyymmdd hh:mm" if RESOLUTIONS[file.resolution] >= RESOLUTIONS["hour"] else "number of milliseconds since midnight"
    return "hexadecimal number" if name == "condition" else "number"


def _opens(file: LeanFile, stamps: pa.ChunkedArray) -> Ints:
    """Local stamps in ns; what is out of reach becomes the end of it, and is refused with its row."""
    if file.day is None:
        seconds: Ints = stamps.cast(pa.int64()).to_numpy()
        return np.clip(seconds, EARLIEST_NS // NANOSECONDS_PER_SECOND - 1, LATEST_NS // NANOSECONDS_PER_SECOND + 1) * NANOSECONDS_PER_SECOND
    since: Floats = np.clip(np.nan_to_num(stamps.to_numpy(), nan=-1.0), -1e11, 1e11)  # three years: no such day
    return _day_ns(file) + np.rint(since * 1e6).astype(np.int64)


def _day_ns(file: LeanFile) -> int:
    assert file.day is not None
    return (file.day - _EPOCH).days * NANOSECONDS_PER_DAY


def _clock(local_ns: int) -> str:
    return str(pd.Timestamp(local_ns))


def close_stamps(rows: Rows, time_zone: str, calendar: str) -> Ints:
    """UTC closes: the open plus one bar; of a day, its session's close or, where there are none, the next local midnight. Ticks: theirs.

    Raises:
        DataError: a day without a session, a stamp that a clock change makes doubtful.
    """
    if rows.file.resolution == "daily":
        if calendar != ALWAYS_OPEN and not is_bars(calendar) and rows.file.security_type in (*SCALED, "index"):
            return _session_closes(rows, calendar)
        return _to_utc(rows, rows.opens // NANOSECONDS_PER_DAY * NANOSECONDS_PER_DAY + NANOSECONDS_PER_DAY, time_zone)
    return _to_utc(rows, rows.opens, time_zone) + RESOLUTIONS[rows.file.resolution] * NANOSECONDS_PER_SECOND


def _to_utc(rows: Rows, local: Ints, time_zone: str) -> Ints:
    if time_zone == "UTC":
        return local
    try:
        return pd.DatetimeIndex(local).tz_localize(time_zone).asi8
    except ValueError as error:
        raise DataError(f"{rows.file.path}: a stamp cannot be placed in {time_zone}: {error}. Write the stamps in UTC.") from error
    except (KeyError, OSError) as error:
        raise DataError(f'{rows.file.path}: time_zone={time_zone!r} is unknown. Use a name like "America/New_York" or "UTC".') from error


def _session_closes(rows: Rows, calendar: str) -> Ints:
    if not len(rows.opens):
        return rows.opens
    table = session_table(calendar, int(rows.opens.min()), int(rows.opens.max()))
    labels = rows.opens // NANOSECONDS_PER_DAY
    found = np.minimum(np.searchsorted(table.labels, labels), len(table.labels) - 1)
    rows.refuse(table.labels[found] != labels, "time", f"a daily bar's date is a session of {calendar} (else name another calendar=)")
    return table.close_ns[found]


def to_events(rows: Rows, instruments: Sequence[Instrument], stamps: Ints) -> NDArray[np.void]:
    """BAR, QUOTE, TRADE or OPEN_INTEREST events, one a row, sorted by stamp.

    Raises:
        DataError: a price or size that breaks a rule or is off the instrument's grid.
    """
    events = np.zeros(len(stamps), EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = stamps
    events["instrument"] = rows.owner
    kind = rows.file.kind
    if kind == "openinterest":
        _fill(events, "w0", rows, "open interest", [Step(1, 1)] * len(instruments), 1)
        events["kind"] = Kind.OPEN_INTEREST
    else:
        ticks, lots = [i.tick for i in instruments], [i.lot for i in instruments]
        scale = PRICE_SCALE if rows.file.security_type in SCALED else 1
        if kind == "trade":
            bars = rows.file.resolution != "tick"
            prices, size = (_BAR[:4], "volume") if bars else (("price",), "size")
            _check_trades(rows, prices)
            for word, name in zip(("w0", "w1", "w2", "w3"), prices, strict=False):
                _fill(events, word, rows, name, ticks, scale)
            _fill(events, "w4" if bars else "w1", rows, size, lots, 1)
            events["kind"] = Kind.BAR if bars else Kind.TRADE
            if "condition" in rows.values:
                events["flags"] = np.where(rows.values["condition"].astype(np.int64) & AUCTION_CONDITIONS, int(Flag.AUCTION), 0)
        else:
            last = {"bid": "bid close", "ask": "ask close"} if rows.file.resolution != "tick" else {"bid": "bid", "ask": "ask"}
            for price_word, size_word, side in (("w0", "w2", "bid"), ("w1", "w3", "ask")):
                _check_side(rows, side)
                _fill(events, price_word, rows, last[side], ticks, scale)
                if f"{side} size" in rows.values:
                    _fill(events, size_word, rows, f"{side} size", lots, 1)
            events["kind"] = Kind.QUOTE
    if (stamps[1:] < stamps[:-1]).any():
        events = events[np.argsort(stamps, kind="stable")]
    return events


def _check_trades(rows: Rows, prices: Sequence[str]) -> None:
    for name in prices:
        rows.refuse(~(rows.values[name] > 0), name, f"{name} > 0")
    if len(prices) == 4:
        opens, highs, lows, closes = (rows.values[name] for name in prices)
        rows.refuse(highs < np.maximum(np.maximum(opens, closes), lows), "high", "high >= open, low and close")
        rows.refuse(lows > np.minimum(opens, closes), "low", "low <= open, high and close")


def _check_side(rows: Rows, side: str) -> None:
    """A side is empty where its prices are blank or 0; else they are above 0 and in order. Blanks become 0."""
    names = [f"{side} {part}" for part in ("open", "high", "low", "close")] if f"{side} close" in rows.values else [side]
    for name in names:
        rows.values[name] = np.nan_to_num(rows.values[name], nan=0.0)
        rows.refuse(rows.values[name] < 0, name, f"{name} >= 0, where 0 or a blank is an empty side")
    if len(names) == 4:
        opens, highs, lows, closes = (rows.values[name] for name in names)
        rows.refuse(highs < np.maximum(opens, closes), f"{side} high", "high >= open and close")
        rows.refuse((lows > np.minimum(opens, closes)) & (np.minimum(opens, closes) > 0), f"{side} low", "low <= open and close")
    size = f"{side} size"
    if size in rows.values:
        rows.values[size] = np.nan_to_num(rows.values[size], nan=0.0)
        rows.values[size][rows.values[names[-1]] == 0] = 0.0


def _fill(events: NDArray[np.void], word: str, rows: Rows, name: str, steps: Sequence[Step], scale: int) -> None:
    """Write a column as whole steps of each row's instrument."""
    values = rows.values[name]
    rows.refuse(~((values >= 0) & np.isfinite(values)), name, f"a finite {name} >= 0")
    present = np.unique(rows.owner)
    if len({steps[k] for k in present.tolist()}) <= 1:
        groups = [(steps[int(present[0])], slice(None))] if len(present) else []
    else:
        groups = [(steps[k], rows.owner == k) for k in present.tolist()]
    for step, mine in groups:
        scaled = Step(step.numerator * scale, step.denominator)
        whole, off = to_steps(values[mine], scaled)
        size = "size" in name or name == "volume"
        if size:  # Lean adds sizes up as doubles: 24.568570729999998 is a whole number of 1e-8
            off &= np.abs(scaled.to_floats(whole) - values[mine]) > _SUM_NOISE * values[mine]
        if off.any():
            broken = np.zeros(len(values), np.bool_)
            broken[mine] = off
            argument = "lot_size" if size else "tick_size"
            unit = f"{scaled.numerator}/{scaled.denominator}" if scale != 1 else f"{step.size:g}"
            rows.refuse(broken, name, f"a whole number of {unit} (else declare a finer {argument}=)")
        events[word][mine] = whole
