"""Hand-written Lean folders for tests."""

from __future__ import annotations

import zipfile
from pathlib import Path

PROPERTIES = """market,symbol,type,description,quote_currency,contract_multiplier,minimum_price_variation,lot_size,market_ticker

# a comment
usa,[*],equity,,USD,1,0.01,1
usa,[*],option,,USD,100,0.01,1
cme,ES,future,E-mini,USD,50.0,0.25,1.0
coinbase,BTCUSD,crypto,Bitcoin,USD,1,0.01,0.00000001
eurex,FDAX,future,DAX Futures,EUR,25,1,1
"""
HOURS = """{"entries": {
  "Equity-usa-[*]": {"dataTimeZone": "America/New_York"},
  "Future-eurex-[*]": {"dataTimeZone": "Europe/Berlin"}
}}"""


def put(root: Path, path: str, members: dict[str, str]) -> Path:
    """A zip with CSV members."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return target


def minute(root: Path, day: str, rows: str, *, ticker: str = "aapl", kind: str = "trade", resolution: str = "minute") -> Path:
    """One day of an equity."""
    path = f"equity/usa/{resolution}/{ticker}/{day}_{kind}.zip"
    return put(root, path, {f"{day}_{ticker}_{resolution}_{kind}.csv": rows})


def databases(root: Path) -> None:
    """The two databases beside the data."""
    for name, text in (
        ("symbol-properties/symbol-properties-database.csv", PROPERTIES),
        ("market-hours/market-hours-database.json", HOURS),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
