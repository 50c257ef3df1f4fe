"""Lean's factor files and map files: splits and dividends as actions, and which ticker a company had when.

A row of a factor file holds (date, price factor p, split factor s, raw close c) and is good up to and including its date. With the
next row's p' and s', on the session after the date

    new shares for an old one = s' / s
    dividend of an old share  = c * (1 - p / p')

and adjusted price = raw price * p * s. Factors have seven decimals, which bounds what can be told of a dividend.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from framework.data.checks.decimals import exact, roundest
from framework.data.checks.library_errors import text_of
from framework.data.formats.lean_files import FIRST_YEAR, LAST_YEAR
from framework.data.formats.lean_reference import calendar_of
from framework.data.reference.calendar import session_table
from framework.errors import DataError, did_you_mean
from framework.schema.units import NANOSECONDS_PER_DAY

END_OF_TIME = dt.date(2050, 12, 31)
"""Lean's date for "until now"."""
HALF_DIGIT = 5e-8
"""Half of the last decimal of a factor."""

_LARGEST_TERM = 20  # of a split's smaller side; beyond it the ratio of the factors stands as it is written


@dataclass(frozen=True, slots=True)
class Factor:
    """A row of a factor file; `line` counts from 1."""

    day: dt.date
    price: Fraction
    split: Fraction
    close: Fraction
    line: int


def read_factors(path: str | Path) -> list[Factor]:
    """The rows of an equity's factor file, in order of their dates.

    Raises:
        DataError: no such file, a wrong number of columns, a factor that is not above 0, dates out of order.
    """
    rows: list[Factor] = []
    for line, fields in _lines(Path(path)):
        place = f"{Path(path).name}, line {line}"
        if len(fields) != 4:
            raise DataError(f"{place}: {len(fields)} columns; rule: date, price factor, split factor, reference price. Correct the row.")
        numbers = []
        for name, field in zip(("price factor", "split factor", "reference price"), fields[1:], strict=True):
            try:
                value = exact(field)
            except ValueError as error:
                raise DataError(f"{place}, column {name}: {field!r} is not a number. Correct it.") from error
            if value < 0 or (value == 0 and name != "reference price"):
                raise DataError(f"{place}, column {name}: {field}; rule: factors > 0 and prices >= 0. Correct it.")
            numbers.append(value)
        day = day_in(fields[0], place)
        if rows and day <= rows[-1].day:
            raise DataError(f"{place}: {day} after {rows[-1].day}; rule: dates increase. Sort the rows.")
        rows.append(Factor(day, numbers[0], numbers[1], numbers[2], line))
    return rows


def actions(
    path: str | Path,
    *,
    symbol: str | None = None,
    market: str = "usa",
    calendar: str | None = None,
    time_zone: str = "America/New_York",
    final_price: float | str | None = None,
    map_file: str | Path | None = None,
) -> pd.DataFrame:
    """Splits, dividends and, where a map file ends, the delisting, as `tape.build` takes them.

    Args:
        path: a factor file.
        symbol: written into the table; by default the file's name in capitals.
        market: names the calendar where `calendar` does not.
        calendar: whose sessions give the ex-date: the first one after a row's date.
        time_zone: an action takes effect at midnight of its ex-date there, before the first trade of the day.
        final_price: of a share when it is delisted; needed where the map file ends.
        map_file: tells the delisting; not looked at if not given.

    Returns:
        Columns symbol, ts (UTC), kind ("split", "dividend" or "delist"), value: a Fraction of new over old shares, or money a share.
        A split is the simple ratio that the factors' digits allow, else the ratio as written. A dividend is the roundest amount
        within those digits; on a day with a split it is told per new share.

    Raises:
        DataError: as `read_factors`, a negative dividend, or a delisting without a final price.
    """
    source = Path(path)
    name = symbol if symbol is not None else source.stem.upper()
    factors = read_factors(source)
    kept = calendar if calendar is not None else calendar_of("equity", market)
    rows: list[dict[str, Any]] = []
    for now, after in pairwise(factors):
        ratio = _split(now.split, after.split)
        dividend = _dividend(now, after, source)
        if ratio == 1 and not dividend:
            continue
        stamp = _midnight(_next_session(now.day, kept), time_zone)
        if ratio != 1:
            rows.append({"symbol": name, "ts": stamp, "kind": "split", "value": ratio})
        if dividend:
            amount = dividend if ratio == 1 else round(dividend / float(ratio), 9)
            rows.append({"symbol": name, "ts": stamp, "kind": "dividend", "value": amount})
    if map_file is not None and (last := read_map(map_file)["last"].iloc[-1]) is not pd.NaT:
        if final_price is None:
            raise DataError(f"{name}: delisted after {last:%Y-%m-%d}. Say final_price=, what a share was worth then (0 if nothing).")
        stamp = _midnight(last.date() + dt.timedelta(days=1), time_zone)
        rows.append({"symbol": name, "ts": stamp, "kind": "delist", "value": final_price})
    table = pd.DataFrame(rows, columns=["symbol", "ts", "kind", "value"]).astype({"value": object})
    table["ts"] = pd.to_datetime(table["ts"], utc=True)
    return table


def adjusted(closes: pd.Series[float], factors: list[Factor]) -> pd.Series[float]:
    """Raw closes by date times price and split factor: Lean's adjusted series.

    Args:
        closes: raw, indexed by dates without a zone.
        factors: as `read_factors` returns them.
    """
    days = np.array([np.datetime64(factor.day) for factor in factors])
    row = np.searchsorted(days, pd.DatetimeIndex(closes.index).values.astype("datetime64[D]"))
    product = np.array([float(factor.price * factor.split) for factor in factors] + [1.0])
    return pd.Series(closes.to_numpy(np.float64) * product[row], closes.index)


def read_map(path: str | Path) -> pd.DataFrame:
    """Which ticker a company had when.

    Returns:
        Columns symbol (the file's name in capitals, by which Lean knows the company), ticker (capitals), exchange (Lean's letter,
        may be empty), first, last: the dates, inclusive, on which the ticker was valid; last is NaT while it is listed.

    Raises:
        DataError: no such file, fewer than two rows, dates out of order.
    """
    source = Path(path)
    lines = _lines(source)
    if len(lines) < 2:
        raise DataError(f"{source}: {len(lines)} rows; rule: the first date, then the last date of each ticker. Fetch it again.")
    rows: list[dict[str, Any]] = []
    before: dt.date | None = None
    for line, fields in lines:
        place = f"{source.name}, line {line}"
        if len(fields) < 2:
            raise DataError(f"{place}: {len(fields)} columns; rule: date, ticker and often exchange. Correct the row.")
        day = day_in(fields[0], place)
        if before is not None:
            if day <= before and len(rows):
                raise DataError(f"{place}: {day} after {before}; rule: dates increase. Sort the rows.")
            first = before + dt.timedelta(days=1) if rows else before
            last = pd.NaT if day >= END_OF_TIME else pd.Timestamp(day)
            exchange = fields[2] if len(fields) > 2 else ""
            rows.append(
                {
                    "symbol": source.stem.upper(),
                    "ticker": fields[1].upper(),
                    "exchange": exchange,
                    "first": pd.Timestamp(first),
                    "last": last,
                }
            )
        before = day
    return pd.DataFrame(rows, columns=["symbol", "ticker", "exchange", "first", "last"])


def spans(folder: Path, ticker: str) -> list[tuple[str, dt.date, dt.date]]:
    """Ticker in small letters, first and last date of each name of a company; empty where it has no map file."""
    path = folder / f"{ticker}.csv"
    if not path.exists():
        return []
    table = read_map(path)
    ends = [END_OF_TIME if last is pd.NaT else last.date() for last in table["last"]]
    return [(name.lower(), first.date(), last) for name, first, last in zip(table["ticker"], table["first"], ends, strict=True)]


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    if not path.exists():
        beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"{path}: no such file. {did_you_mean(path.name, beside)}")
    return [(number, line.strip().split(",")) for number, line in enumerate(text_of(path).splitlines(), 1) if line.strip()]


def day_in(text: str, place: str) -> dt.date:
    """A date yyyymmdd of a file.

    Raises:
        DataError: none, or one further off than any market.
    """
    try:
        day = dt.datetime.strptime(text, "%Y%m%d").date()
    except ValueError as error:
        raise DataError(f"{place}, column date: {text!r} is not a date yyyymmdd. Correct it.") from error
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise DataError(f"{place}, column date: {text}; rule: a year from {FIRST_YEAR} to {LAST_YEAR}. Correct it.")
    return day


def _split(now: Fraction, after: Fraction) -> Fraction:
    """New over old shares: the simple ratio nearest to the factors' if their digits allow it."""
    ratio = after / now
    noise = HALF_DIGIT * (1 / float(now) + 1 / float(after))
    small = ratio if ratio < 1 else 1 / ratio
    simple = 1 / (1 / small).limit_denominator(_LARGEST_TERM)
    if abs(float(simple / small) - 1) <= noise:
        return simple if ratio < 1 else 1 / simple
    return ratio


def _dividend(now: Factor, after: Factor, source: Path) -> float:
    """Money a share; 0 where the factors are the same to their digits."""
    amount = float(now.close * (1 - now.price / after.price))
    noise = float(now.close) * HALF_DIGIT * (1 / float(after.price) + float(now.price) / float(after.price) ** 2)
    if now.price == after.price:
        return 0.0
    if amount <= noise:
        raise DataError(
            f"{source.name}, line {now.line}, column price factor: {float(now.price):.10g}, then {float(after.price):.10g}, would be a "
            f"dividend of {amount:.6g}; rule: > 0: factors rise with time, and the reference price ({float(now.close):g}) is the close. "
            "Correct the row."
        )
    return roundest(amount, noise)


def _next_session(day: dt.date, calendar: str) -> dt.date:
    number = day.toordinal() - 719_163  # since 1970
    for margin in (1, 15):
        labels = session_table(calendar, number * NANOSECONDS_PER_DAY, (number + margin) * NANOSECONDS_PER_DAY).labels
        later = labels[labels > number]
        if len(later):
            return dt.date.fromordinal(int(later[0]) + 719_163)
    raise DataError(f"{calendar}: no session within two weeks after {day}. Name the calendar of the equity with calendar=.")


def _midnight(day: dt.date, time_zone: str) -> pd.Timestamp:
    return pd.Timestamp(day).tz_localize(time_zone).tz_convert("UTC")
