"""The folders and names of QuantConnect Lean's data: which file holds what, and the terms of a contract from its name.

<root>/<security type>/<market>/<tick|second|minute>/<ticker>/<yyyymmdd>_<kind>[_<style>].zip
<root>/<security type>/<market>/<hour|daily>/<ticker>[_<yyyy>][_<kind>][_<style>].zip
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import pandas as pd

from framework.errors import DataError, did_you_mean

Kind = Literal["trade", "quote", "openinterest"]
KINDS = ("trade", "quote", "openinterest")
"""In this order events of one stamp are put."""
RESOLUTIONS = {"tick": 0, "second": 1, "minute": 60, "hour": 3600, "daily": 86_400}
"""Seconds of a bar."""
SECURITY_TYPES = ("equity", "forex", "cfd", "crypto", "cryptofuture", "future", "option", "futureoption", "indexoption", "index")
CONTRACTS = ("future", "option", "futureoption", "indexoption")
"""Types whose zips hold one member a contract."""
STRIKE_SCALE = 10_000
FIRST_YEAR, LAST_YEAR = 1700, 2250
"""Of dates in names and files; within what nanoseconds reach."""

_INTRADAY = re.compile(r"(?P<period>\d{8})_(?P<kind>trade|quote|openinterest)(_(?P<style>american|european))?")
_LONG = re.compile(r"(?P<ticker>[^_]+?)(_(?P<period>\d{4}))?(_(?P<kind>trade|quote|openinterest))?(_(?P<style>american|european))?")
_FUTURE = re.compile(r"_(\d{4})(\d{2})(?:_(\d{8}))?$")
_NEW_YORK, _LAST_TIME = "America/New_York", dt.time(16)
_OPTION = re.compile(r"_(american|european)_(call|put)_(\d+)_(\d{8})$")
_TERMS = re.compile(r"(.+?) (\d{4}-\d{2}-\d{2}) ([CP]) (\S+) (american|european)")
_FUTURE_TERMS = re.compile(r"(.+?) (\d{4}-\d{2})(?: (\d{4}-\d{2}-\d{2}))?")


@dataclass(frozen=True, slots=True)
class ContractTerms:
    """What the name of a future or option says.

    Attributes:
        underlying: the root of a future ("ES"), the ticker under an option ("AAPL"), the future under a futures option ("ES 2020-03").
        month: of a future, "2013-12"; empty for options.
        expiry: the last day; None where a future's file tells only the month.
        right: "C" or "P"; empty for futures.
        strike: in units of the underlying's price; 0 for futures.
        style: "american" or "european"; empty for futures.

    >>> ContractTerms.of("AAPL 2015-01-17 C 57.5 american").strike
    Fraction(115, 2)
    """

    underlying: str
    month: str = ""
    expiry: dt.date | None = None
    right: str = ""
    strike: Fraction = Fraction(0)
    style: str = ""

    @property
    def symbol(self) -> str:
        """The instrument's symbol, from which `of` makes the terms again."""
        if self.right:
            return f"{self.underlying} {self.expiry} {self.right} {_decimal(self.strike)} {self.style}"
        return f"{self.underlying} {self.month}" + (f" {self.expiry}" if self.expiry else "")

    def ends_ns(self, last_time: dt.time = _LAST_TIME) -> int:
        """The last moment of the day of expiry, at a time in New York; 0 where only the month is known."""
        if self.expiry is None:
            return 0
        return int(pd.Timestamp.combine(self.expiry, last_time).tz_localize(_NEW_YORK).as_unit("ns").value)

    @classmethod
    def of(cls, symbol: str) -> ContractTerms:
        """The terms of an instrument that `lean.read` made.

        Raises:
            DataError: the symbol is no contract's.
        """
        if option := _TERMS.fullmatch(symbol):
            underlying, expiry, right, strike, style = option.groups()
            return cls(underlying, "", dt.date.fromisoformat(expiry), right, Fraction(strike), style)
        if future := _FUTURE_TERMS.fullmatch(symbol):
            underlying, month, expiry = future.groups()
            return cls(underlying, month, dt.date.fromisoformat(expiry) if expiry else None)
        raise DataError(f'{symbol!r} is no contract. Futures are called "ES 2013-12", options "AAPL 2015-01-17 C 57.5 american".')


def _decimal(value: Fraction) -> str:
    return f"{value.numerator / value.denominator:.4f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class LeanFile:
    """One zip. `period` is yyyymmdd, yyyy or "" (all dates); `under` the folder of a futures option's future (yyyymm)."""

    path: Path
    root: Path
    security_type: str
    market: str
    resolution: str
    ticker: str
    kind: str
    period: str
    under: str

    @property
    def day(self) -> dt.date | None:
        """The date of an intraday file."""
        return _date(self.period, self.path) if len(self.period) == 8 else None

    @property
    def series(self) -> tuple[str, str, str]:
        """What one recording may hold only one of."""
        return self.security_type, self.market, self.resolution


def find(path: Path) -> list[LeanFile]:
    """The Lean files at or under a path, in order of their names.

    Raises:
        DataError: nothing there, or a zip among Lean's folders whose name says nothing.
    """
    if not path.exists():
        beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"{path}: no such file or folder. {did_you_mean(path.name, beside)}")
    zips = sorted(path.resolve().rglob("*.zip")) if path.is_dir() else [path.resolve()]
    files = [file for item in zips if (file := _parse(item)) is not None]
    if not files:
        raise DataError(
            f"{path}: no Lean data. They lie in <security type>/<market>/<resolution>/..., where the type is one of "
            f"{', '.join(SECURITY_TYPES)} and the resolution one of {', '.join(RESOLUTIONS)}."
        )
    return files


def _parse(path: Path) -> LeanFile | None:
    """None where the path is not of Lean's bars, quotes and ticks."""
    parts = path.parts
    levels = [k for k in range(len(parts) - 3) if parts[k] in SECURITY_TYPES and parts[k + 2] in RESOLUTIONS]
    if not levels:
        return None
    at = levels[-1]
    security_type, market, resolution = parts[at : at + 3]
    folders = parts[at + 3 : -1]
    intraday = RESOLUTIONS[resolution] < RESOLUTIONS["hour"]
    match = (_INTRADAY if intraday else _LONG).fullmatch(path.stem)
    if match is None or (intraday and not folders):
        expected = "<ticker>/<yyyymmdd>_<kind>.zip" if intraday else "<ticker>_<kind>.zip"
        raise DataError(f"{path}: the name does not say what it holds; rule: {resolution} files are {expected}, kind {' or '.join(KINDS)}.")
    said = match.groupdict()
    kind = said["kind"] or ("quote" if security_type in ("forex", "cfd") else "trade")
    ticker = folders[0] if intraday else said["ticker"]
    under = folders[-1] if security_type == "futureoption" and folders else ""
    return LeanFile(path, Path(*parts[:at]), security_type, market, resolution, ticker, kind, said["period"] or "", under)


def select(files: Sequence[LeanFile], wanted: dict[str, str | None], place: Path) -> list[LeanFile]:
    """The files of one series.

    Args:
        files: as found.
        wanted: by attribute of `LeanFile`, the value to keep; None keeps all.
        place: named in messages.

    Raises:
        DataError: a value that no file has, or several series left.
    """
    kept = list(files)
    for name, value in wanted.items():
        if value is not None:
            known = {getattr(file, name) for file in kept}
            kept = [file for file in kept if getattr(file, name) == value]
            if not kept:
                raise DataError(f"{place}: nothing with {name}={value!r}. {did_you_mean(value, known)}")
    series = sorted({file.series for file in kept})
    if len(series) > 1:
        shown = "; ".join("/".join(one) for one in series[:8]) + (f" and {len(series) - 8} more" if len(series) > 8 else "")
        raise DataError(f"{place}: holds {shown}. Read one at a time: say security_type=, market= and resolution=.")
    return kept


def terms_of_member(file: LeanFile, member: str, base: str) -> ContractTerms | None:
    """The terms in a zip member's name; None for what is no contract.

    Raises:
        DataError: the name of a contract's member cannot be read.
    """
    stem = member.removesuffix(".csv")
    if file.security_type == "cryptofuture" and not _FUTURE.search(stem):
        return None
    if file.security_type in ("future", "cryptofuture") and (future := _FUTURE.search(stem)):
        year, month, last = future.groups()
        return ContractTerms(base, f"{year}-{month}", _date(last, file.path) if last else None)
    if file.security_type not in CONTRACTS:
        return None
    option = _OPTION.search(stem)
    if option is None:
        raise DataError(f"{file.path.name}, member {member!r}: the name does not say which contract it is. Fetch the file again.")
    style, right, strike, expiry = option.groups()
    underlying = f"{base} {file.under[:4]}-{file.under[4:6]}" if file.under else base
    return ContractTerms(underlying, "", _date(expiry, file.path), right[0].upper(), Fraction(int(strike), STRIKE_SCALE), style)


def _date(text: str, path: Path) -> dt.date:
    try:
        day = dt.datetime.strptime(text, "%Y%m%d").date()
    except ValueError as error:
        raise DataError(f"{path}: {text!r} in the name is not a date yyyymmdd. Give the file back its name.") from error
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise DataError(f"{path}: {text!r} in the name; rule: a year from {FIRST_YEAR} to {LAST_YEAR}. Give the file back its name.")
    return day


def tickers(files: Iterable[LeanFile]) -> list[str]:
    """Which there are, sorted."""
    return sorted({file.ticker for file in files})
