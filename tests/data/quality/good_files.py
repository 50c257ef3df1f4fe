"""Good files of many formats from seeded random walks that behave like markets: sessions, U-shaped volume, fat tails, small spreads."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from framework.data.formats import bars, binance, freqtrade, itch, lean, lobster, table
from framework.data.reference.calendar import session_table
from framework.data.store import catalog
from framework.data.tape.recording import Recording

NOW_NS = int(pd.Timestamp("2026-01-01", tz="UTC").value)
SECOND, MINUTE, HOUR, DAY = 10**9, 60 * 10**9, 3600 * 10**9, 86_400 * 10**9
HERE = "files"


@dataclass(frozen=True)
class Good:
    """How to write a good file, and how to read it."""

    write: Callable[[Path], Path]
    read: Callable[[Path], Recording]
    calendar: str | None = None


def draw(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def walk(rows: int, size: float, seed: int, start: float = 100.0) -> np.ndarray:
    """Prices of a walk with fat tails: Student's t with four degrees of freedom, in whole cents."""
    return np.round(start * np.exp(np.cumsum(draw(seed).standard_t(4, rows) * size / np.sqrt(2))), 2)


def candles(rows: int, size: float, seed: int, volume: np.ndarray, start: float = 100.0) -> pd.DataFrame:
    """Bars of a walk with twelve steps a bar; each opens near the close before it."""
    steps = walk(12 * rows, size / np.sqrt(12), seed, start).reshape(rows, 12)
    opens = np.concatenate([[steps[0, 0]], np.round(steps[:-1, -1] * (1 + draw(seed + 1).normal(0, size / 10, rows - 1)), 2)])
    inside = np.column_stack([opens, steps])
    return pd.DataFrame(
        {"open": opens, "high": inside.max(axis=1), "low": inside.min(axis=1), "close": steps[:, -1], "volume": np.round(volume)}
    )


def sessions(first: str, last: str, calendar: str = "XNYS") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    bounds = [int(pd.Timestamp(day, tz="UTC").value) for day in (first, last)]
    found = session_table(calendar, *bounds)
    inside = (found.labels >= bounds[0] // DAY) & (found.labels <= bounds[1] // DAY)
    return found.labels[inside], found.open_ns[inside], found.close_ns[inside]


def daily_frame(seed: int = 1, first: str = "2022-01-03", last: str = "2023-12-29") -> pd.DataFrame:
    labels, _, _ = sessions(first, last)
    made = candles(len(labels), 0.015, seed, 1e6 * np.exp(draw(seed + 2).normal(0, 0.3, len(labels))))
    made.insert(0, "ts", [str(np.datetime64(int(label), "D")) for label in labels])
    return made


def minute_frame(seed: int = 4, first: str = "2023-03-06", last: str = "2023-03-17") -> pd.DataFrame:
    _, opens, closes = sessions(first, last)
    stamps = np.concatenate([np.arange(a + MINUTE, b + 1, MINUTE) for a, b in zip(opens, closes, strict=True)])
    day = np.concatenate([np.linspace(-1, 1, (b - a) // MINUTE) for a, b in zip(opens, closes, strict=True)])
    volume = 5000 * (0.5 + 2 * day**2) * np.exp(draw(seed + 2).normal(0, 0.4, len(stamps)))
    made = candles(len(stamps), 0.0006, seed, volume)
    made.insert(0, "ts", pd.DatetimeIndex(stamps, tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ"))
    return made


def hour_frame(seed: int = 7, rows: int = 24 * 90) -> pd.DataFrame:
    stamps = 1_700_006_400_000 + np.arange(1, rows + 1) * 3_600_000
    made = candles(rows, 0.006, seed, 2000 * np.exp(draw(seed + 2).normal(0, 0.6, rows)), 40_000.0)
    made.insert(0, "ts", stamps)
    return made


def quote_frame(seed: int = 10, rows: int = 6000) -> pd.DataFrame:
    made = draw(seed)
    stamps = 1_700_000_000_000 + np.cumsum(made.exponential(2000, rows).astype(np.int64) + 1)
    mids = walk(rows, 0.0002, seed)
    half = 0.01 * (1 + made.integers(0, 2, rows))
    sizes = made.integers(1, 50, (2, rows)) * 100
    return pd.DataFrame(
        {"ts": stamps, "bid": np.round(mids - half, 2), "ask": np.round(mids + half, 2), "bid_size": sizes[0], "ask_size": sizes[1]}
    )


def trade_frame(seed: int = 13, rows: int = 6000) -> pd.DataFrame:
    made = draw(seed)
    stamps = 1_700_000_000_000 + np.cumsum(made.exponential(2000, rows).astype(np.int64))
    return pd.DataFrame(
        {
            "ts": stamps,
            "price": walk(rows, 0.0002, seed),
            "size": made.integers(1, 50, rows) * 10,
            "side": np.where(made.random(rows) < 0.5, "buy", "sell"),
            "trade_id": np.arange(1000, 1000 + rows),
        }
    )


def funding_frame(seed: int = 16, rows: int = 1100) -> pd.DataFrame:
    rates = np.round(1e-4 + draw(seed).normal(0, 5e-5, rows), 8)
    return pd.DataFrame({"ts": 1_672_531_200_000 + np.arange(rows) * 8 * 3_600_000, "rate": rates})


def csv(name: str, frame: Callable[[], pd.DataFrame]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        frame().to_csv(path, index=False)
        return path

    return write


def lean_tree(folder: Path) -> Path:
    """Ten sessions of minute trade bars, each a zip, in ten-thousandths and milliseconds of New York."""
    frame = minute_frame(20)
    when = pd.DatetimeIndex(pd.to_datetime(frame["ts"])).tz_convert("America/New_York") - pd.Timedelta(minutes=1)
    root = folder / "Data"
    for date in sorted(set(when.strftime("%Y%m%d"))):
        mine = np.asarray(when.strftime("%Y%m%d") == date)
        rows = frame[mine]
        since = ((when[mine] - when[mine].normalize()) / pd.Timedelta(milliseconds=1)).astype(int)
        text = "".join(
            ",".join(
                str(word) for word in (ms, *(round(row[name] * 10_000) for name in ("open", "high", "low", "close")), int(row["volume"]))
            )
            + "\n"
            for ms, (_, row) in zip(since, rows.iterrows(), strict=True)
        )
        path = root / f"equity/usa/minute/acme/{date}_trade.zip"
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{date}_acme_minute_trade.csv", text)
    return root


def lobster_files(folder: Path, rows: int = 1500) -> Path:
    """Orders come at one to five cents from the touch and are cancelled or executed, the oldest first; the touch stays where it is."""
    made, text, standing, at = draw(30), [], [], 34_200.0
    for order in range(1, rows):
        at += float(made.exponential(0.5))
        side = 1 if made.random() < 0.5 else -1
        price = 1_000_000 - side * 100 * int(made.integers(1, 6))
        text.append(f"{at:.9f},1,{order},{100 * int(made.integers(1, 5))},{price},{side}")
        standing.append(text[-1].split(","))
        if len(standing) > 40:
            _, _, gone, size, level, way = standing.pop(int(made.integers(0, 20)))
            at += 0.01
            text.append(f"{at:.9f},{4 if made.random() < 0.3 else 3},{gone},{size},{level},{way}")
    path = folder / "ACME_2012-06-21_34200000_57600000_message_2.csv"
    path.write_text("\n".join(text) + "\n")
    (folder / path.name.replace("message", "orderbook")).write_text("1000700,500,999300,500,1000800,700,999200,900\n")
    return path


def binance_capture(folder: Path, rows: int = 800) -> Path:
    """A snapshot, then diffs that go on from it and trades, as hftbacktest writes them."""
    made = draw(33)
    epoch, level = 1_700_000_000_000, 10_000
    messages: list[dict[str, Any]] = [{"lastUpdateId": 100, "symbol": "ACME", "bids": [["99.00", "50"]], "asks": [["101.00", "50"]]}]
    for k in range(rows):
        stamp = epoch + 100 * k
        side = int(made.integers(0, 2))
        price = (level - 10 + int(made.integers(0, 8)) if side else level + 10 - int(made.integers(0, 8))) / 100
        levels = [[f"{price:.2f}", str(int(made.integers(0, 9)))]]
        message = {
            "e": "depthUpdate",
            "E": stamp,
            "s": "ACME",
            "U": 101 + k,
            "u": 101 + k,
            "b": levels if side else [],
            "a": [] if side else levels,
        }
        messages.append({"stream": "acme@depth", "data": message})
        if k % 5 == 0:
            trade = {"e": "trade", "E": stamp, "T": stamp, "s": "ACME", "t": 500 + k, "p": "100.00", "q": "1", "m": bool(side)}
            messages.append({"stream": "acme@trade", "data": trade})
    stamps = [epoch, *(one["data"]["E"] for one in messages[1:])]
    text = "".join(f"{stamp * 1_000_000 + 50_000_000} {json.dumps(one)}\n" for stamp, one in zip(stamps, messages, strict=True))
    path = folder / "acme.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def dbn_bars(folder: Path, rows: int = 600) -> Path:
    """One-minute bars stamped at their opens, as Databento does."""
    import databento_dbn as dbn

    head = dbn.Metadata(
        dataset="X.Y", start=0, stype_in=dbn.SType.RAW_SYMBOL, stype_out=dbn.SType.INSTRUMENT_ID, schema=dbn.Schema.OHLCV_1M
    ).encode()
    frame = candles(rows, 0.0005, 36, 300 * np.exp(draw(37).normal(0, 0.4, rows)))
    records = [
        struct.pack(
            "<BBHIQqqqqQ", 14, 33, 1, 5, 1_700_000_040 * SECOND + k * MINUTE, *(round(p * 100) * 10**7 for p in prices), int(volume)
        )
        for k, (*prices, volume) in enumerate(frame.itertuples(index=False, name=None))
    ]
    path = folder / "acme.dbn"
    path.write_bytes(bytes(head) + b"".join(records))
    return path


def itch_message(kind: str, since: int, body: bytes, locate: int = 7) -> bytes:
    text = kind.encode() + struct.pack(">HH", locate, 0) + since.to_bytes(6, "big") + body
    return struct.pack(">H", len(text)) + text


def itch_add(since: int, ref: int, *, buy: bool, price: int, shares: int = 100) -> bytes:
    return itch_message("A", since, struct.pack(">QcI8sI", ref, b"B" if buy else b"S", shares, b"ACME    ", price))


def itch_file(folder: Path, rows: int = 600) -> Path:
    """Orders that come at one to five cents from the touch; every third one is executed, every third one deleted."""
    made, at = draw(40), 34_200 * SECOND
    text = [
        itch_message("S", 0, b"O", 0),
        itch_message("R", 1, b"ACME    QN" + struct.pack(">I", 100) + b"NCZ PNN1N" + bytes(4) + b"N"),
    ]
    for ref in range(1, rows):
        at += int(made.exponential(0.3e9))
        buy = bool(made.random() < 0.5)
        text.append(itch_add(at, ref, buy=buy, price=1_000_000 + (-100 if buy else 100) * int(made.integers(1, 6))))
        if ref % 3 == 1:
            text.append(itch_message("E", at + 5, struct.pack(">QIQ", ref, 100, ref)))
        elif ref % 3 == 2:
            text.append(itch_message("D", at + 5, struct.pack(">Q", ref)))
    path = folder / "day.itch"
    path.write_bytes(b"".join(text))
    return path


def feather(folder: Path) -> Path:
    from pyarrow import feather as arrow

    frame = candles(1500, 0.002, 43, 800 * np.exp(draw(44).normal(0, 0.5, 1500)))
    frame.insert(0, "date", pd.date_range("2023-06-01", periods=len(frame), freq="5min", tz="UTC").as_unit("ms"))
    path = folder / "ACME_USDT-5m.feather"
    arrow.write_feather(frame, str(path))
    return path


def parquet(folder: Path) -> Path:
    path = folder / "acme.parquet"
    trade_frame(46).to_parquet(path)
    return path


def two_symbols() -> pd.DataFrame:
    one, two = daily_frame(50), daily_frame(60)
    two[["open", "high", "low", "close"]] = two[["open", "high", "low", "close"]] + 400
    return pd.concat([one.assign(symbol="AAA"), two.assign(symbol="BBB")], ignore_index=True)


def dataset(folder: Path) -> Path:
    root = folder / "root"
    catalog.import_recording("acme", bars.read(csv("ACME.csv", minute_frame)(folder), calendar="XNYS"), root=root, licence="CC0")
    return root


GOOD = {
    "daily": Good(csv("ACME.csv", daily_frame), lambda path: bars.read(path, calendar="XNYS")),
    "daily_gz": Good(csv("ACME.csv.gz", daily_frame), lambda path: bars.read(path, calendar="XNYS")),
    "minute": Good(csv("ACME.csv", minute_frame), lambda path: bars.read(path, calendar="XNYS")),
    "hour": Good(csv("ACME.csv", hour_frame), lambda path: bars.read(path, epoch="ms")),
    "quotes": Good(csv("acme.csv", quote_frame), lambda path: table.read(path, "quotes", unit="ms", tick_size=0.01)),
    "trades": Good(csv("acme.csv", trade_frame), lambda path: table.read(path, "trades", unit="ms", tick_size=0.01)),
    "funding": Good(csv("acme.csv", funding_frame), lambda path: table.read(path, "funding", unit="ms")),
    "lean": Good(lean_tree, lambda path: lean.read(path, "ACME")),
    "lobster": Good(lobster_files, lobster.read),
    "binance": Good(binance_capture, lambda path: binance.read(path)),
    "itch": Good(itch_file, lambda path: itch.read(path, date=dt.date(2024, 7, 1))),
    "freqtrade": Good(feather, freqtrade.read),
    "parquet": Good(parquet, lambda path: table.read(path, "trades", unit="ms")),
    "symbols": Good(csv("both.csv", two_symbols), lambda path: bars.read(path, calendar="XNYS")),
    "dataset": Good(dataset, lambda path: catalog.open("acme", root=path)),
}
