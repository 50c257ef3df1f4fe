"""Time zone, calendar, tick, lot, multiplier and currency of Lean's instruments, from its two databases or from what is common."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from framework.data.checks.decimals import exact
from framework.data.checks.library_errors import FETCH_AGAIN, SHAPE, json_of, reading, text_of
from framework.data.formats.lean_files import ContractTerms
from framework.errors import DataError
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.units import Step

HOURS = "market-hours/market-hours-database.json"
PROPERTIES = "symbol-properties/symbol-properties-database.csv"
SCALED = ("equity", "option", "indexoption")
"""Types whose prices are written in ten-thousandths of the currency."""
PRICE_SCALE = 10_000

_CALENDARS = {
    ("equity", "usa"): "XNYS",
    ("option", "usa"): "XNYS",
    ("index", "usa"): "XNYS",
    ("indexoption", "usa"): "XNYS",
    ("future", "cme"): "CMES",
    ("future", "cbot"): "CMES",
    ("future", "nymex"): "CMES",
    ("future", "comex"): "CMES",
    ("future", "ice"): "IEPA",
    ("future", "cfe"): "XCBF",
    ("future", "eurex"): "XEUR",
    ("future", "hkfe"): "XHKG",
    ("equity", "india"): "XBOM",
}
"""By type and market; a futures option follows its future. What is not here gets "24/7"."""
_ZONES = {
    ("equity", "usa"): "America/New_York",
    ("option", "usa"): "America/New_York",
    ("indexoption", "usa"): "America/New_York",
    ("index", "usa"): "America/Chicago",
    ("forex", "fxcm"): "UTC-05",
    ("forex", "oanda"): "UTC",
    ("cfd", "oanda"): "UTC",
    ("future", "cme"): "UTC",
    ("future", "cbot"): "UTC",
    ("future", "nymex"): "UTC",
    ("future", "comex"): "UTC",
    ("future", "eurex"): "Europe/Berlin",
    ("future", "hkfe"): "Asia/Hong_Kong",
}
"""Of the stamps in the files, where there is no database; crypto is UTC everywhere."""
_KINDS = {
    "forex": InstrumentKind.FX,
    "index": InstrumentKind.INDEX,
    **dict.fromkeys(("option", "futureoption", "indexoption"), InstrumentKind.OPTION),
}


@dataclass(frozen=True, slots=True)
class Given:
    """What the caller says of the instruments; None means "look it up"."""

    time_zone: str | None = None
    calendar: str | None = None
    tick_size: float | str | Fraction | Step | None = None
    lot_size: float | str | Fraction | Step | None = None
    multiplier: float | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """The databases as read; empty where they are not there."""

    zones: dict[str, str]
    properties: dict[tuple[str, str, str], dict[str, str]]

    @classmethod
    def load(cls, folder: Path) -> Reference:
        """Read the databases, or their .gz, under a folder; what is absent stays empty."""
        return cls(_zones(folder / HOURS), _properties(folder / PROPERTIES))

    def time_zone(self, security_type: str, market: str, ticker: str, given: Given) -> str:
        """Of the stamps in the files, as the time-zone database names it.

        Raises:
            DataError: nothing says it.
        """
        if given.time_zone is not None:
            return given.time_zone
        names = {name.lower(): zone for name, zone in self.zones.items()}
        for symbol in (ticker, "[*]"):
            if zone := names.get(f"{security_type}-{market}-{symbol}".lower()):
                return zone_of(zone)
        if security_type in ("crypto", "cryptofuture"):
            return "UTC"
        if zone := _ZONES.get((_parent(security_type), market)):
            return zone_of(zone)
        raise DataError(
            f'{security_type} of {market}: the time zone of the files is not known. Say time_zone="Europe/Berlin" or the like, or '
            f"reference= the folder of {HOURS}."
        )

    def row(self, security_type: str, market: str, ticker: str) -> dict[str, str]:
        """The properties of a ticker, of its market, or of its future; empty where there are none."""
        for kind in (security_type, _parent(security_type)):
            for symbol in (ticker.upper(), "[*]"):
                if found := self.properties.get((market, symbol, kind)):
                    return found
        return {}

    def instrument(self, symbol: str, series: tuple[str, str, str], ticker: str, given: Given, interval_ns: int) -> Instrument:
        """The instrument of a symbol.

        Raises:
            DataError: tick, lot or currency is neither given nor in the database nor certain for the type.
        """
        security_type, market, _ = series
        row = self.row(security_type, market, ticker)
        tick = given.tick_size
        if tick is None:
            tick = Fraction(1, PRICE_SCALE) if security_type in SCALED else row.get("minimum_price_variation")
        lot = given.lot_size if given.lot_size is not None else row.get("lot_size")
        if lot is None and security_type in (*SCALED, "future", "futureoption", "index"):
            lot = 1
        currency = given.currency or row.get("quote_currency") or _currency(security_type, market, ticker)
        multiplier = given.multiplier if given.multiplier is not None else float(row.get("contract_multiplier") or 0)
        if not multiplier and security_type in ("equity", "forex", "crypto", "index", "cfd"):
            multiplier = 1.0
        named = {"tick_size": tick, "lot_size": lot, "currency": currency, "multiplier": multiplier}
        missing = [f"{name}=" for name, value in named.items() if not value]
        if missing or tick is None or lot is None or currency is None:
            raise DataError(
                f"{symbol} ({security_type} of {market}): {', '.join(missing)} not known. Give them, or say reference= the folder that "
                f"holds {PROPERTIES}."
            )
        kind = _KINDS.get(security_type, InstrumentKind.EQUITY)
        terms = ContractTerms.of(symbol) if kind is InstrumentKind.OPTION else ContractTerms("")
        return Instrument(
            symbol=symbol,
            tick=Step.of(tick),
            lot=Step.of(lot),
            multiplier=multiplier,
            currency=currency,
            kind=kind,
            base_currency=ticker.upper().removesuffix(currency) if kind is InstrumentKind.FX else "",
            venue=market.upper(),
            calendar=given.calendar or calendar_of(security_type, market),
            bar_interval_ns=interval_ns,
            strike=float(terms.strike),
            right=terms.right,
            expiry_ns=terms.ends_ns(),
        )


def calendar_of(security_type: str, market: str) -> str:
    """The `exchange_calendars` name, or "24/7".

    >>> calendar_of("futureoption", "cme")
    'CMES'
    """
    return _CALENDARS.get((_parent(security_type), market), "24/7")


def _parent(security_type: str) -> str:
    return "future" if security_type == "futureoption" else security_type


def _currency(security_type: str, market: str, ticker: str) -> str | None:
    if security_type == "forex":
        return ticker[3:].upper()
    return "USD" if market == "usa" else None


def zone_of(name: str) -> str:
    """Lean writes a fixed offset as UTC-05; the time-zone database counts those the other way round."""
    fixed = re.fullmatch(r"UTC([+-])(\d\d)", name)
    if fixed is None:
        return name
    return f"Etc/GMT{'+' if fixed[1] == '-' else '-'}{int(fixed[2])}"


def _there(path: Path) -> Path | None:
    """A database or its .gz, whichever is there."""
    return next((one for one in (path, path.with_name(path.name + ".gz")) if one.exists()), None)


def _zones(database: Path) -> dict[str, str]:
    """The time zone of the files by entry."""
    path = _there(database)
    if path is None:
        return {}
    words = json_of(text_of(path), path)
    with reading(path, f'Each of its "entries" has a "dataTimeZone". {FETCH_AGAIN}', also=SHAPE):
        zones = {name: entry["dataTimeZone"] for name, entry in words["entries"].items()}
    for name, zone in zones.items():
        if not isinstance(zone, str):
            raise DataError(f"{path}, entry {name!r}: dataTimeZone {zone!r}; rule: the name of a zone. {FETCH_AGAIN}")
    return zones


def _properties(database: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    """The properties of symbols by market, symbol and type; the numbers among them can be read."""
    path = _there(database)
    if path is None:
        return {}
    lines = [(number, line) for number, line in enumerate(text_of(path).splitlines(), 1) if line.strip() and not line.startswith("#")]
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    with reading(path, f"Rows need as many fields as the header. {FETCH_AGAIN}"):
        table = list(csv.reader([line for _, line in lines], strict=True))
    for (number, _), fields in zip(lines[1:], table[1:], strict=False):
        place, words = f"{path}, line {number}", dict(zip(table[0], fields, strict=False))
        for name in ("market", "symbol", "type"):
            if not words.get(name):
                raise DataError(f"{place}, column {name}: empty; rule: market, symbol and type name a row. Correct it.")
        for name in ("contract_multiplier", "minimum_price_variation", "lot_size"):
            _check_number(words.get(name, ""), f"{place}, column {name}")
        rows[words["market"], words["symbol"], words["type"]] = words
    return rows


def _check_number(text: str, place: str) -> None:
    try:
        if text and exact(text) <= 0:
            raise ValueError("not above 0")
    except ValueError as error:
        raise DataError(f"{place}: {text[:60]!r}; rule: a decimal above 0, or empty. Correct it.") from error
