"""One small good file of every format of market data, how it is read, and what else may read it.

A `Specimen` is read by our reader into something that can be compared: rows of events, or whatever its reader returns. `peer` reads
the same bytes independently (`peers`); where a format has none, `shown` gives what must have changed for a changed result to be right.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from framework.data.formats import (
    bars,
    binance,
    coinbase,
    databento,
    freqtrade,
    itch,
    kraken,
    lean,
)
from framework.data.formats import lobster as lobster_format
from framework.data.formats import table as table_format
from framework.data.store import catalog
from framework.data.store.segments import SegmentStore
from framework.data.tape.recording import Recording
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from tests.data.formats.test_coinbase import MESSAGES
from tests.data.formats.test_kraken import BOOK, UPDATE, book
from tests.data.mutation import peers
from tests.data.quality.good_files import itch_add, itch_message

EPOCH_MS = 1_700_000_000_000


@dataclass(frozen=True)
class Specimen:
    """A good file.

    Attributes:
        name: the file's, below its folder; other files may stand `beside` it.
        content: what it holds, unpacked.
        read: our reader, from the file's path to what can be compared.
        peer: an independent reading of content, rows or a set that holds them; None where there is none.
        shown: what of the content a changed result must show.
        pack: "", "gz" or "zip".
        sealed: whether checksums cover the bytes of the file, so that no damage may go unseen.
        beside: content of other files by their names.
        guess: whether `onetape doctor` knows the format by the name.
    """

    name: str
    content: bytes
    read: Callable[[Path], Any]
    peer: Callable[[bytes], Any] | None = None
    shown: Callable[[bytes], Any] | None = None
    pack: str = ""
    sealed: bool = False
    beside: dict[str, bytes] = field(default_factory=dict)
    guess: bool = False

    @property
    def is_text(self) -> bool:
        return self.peer not in (peers.itch, peers.dbn_bars) and not self.name.endswith((".parquet", ".feather", ".dbn"))


def rows_of(recording: Recording, *kinds: Kind) -> list[peers.Row]:
    """Events as peers have them: stamp, kind, symbol, numbers, and the side of a trade whose source tells it."""
    events, found = recording.events(), []
    recording.tape()
    for event in events:
        kind = Kind(int(event["kind"]))
        if kinds and kind not in kinds:
            continue
        one = recording.instruments[int(event["instrument"])]
        tick, lot = Fraction(one.tick.numerator, one.tick.denominator), Fraction(one.lot.numerator, one.lot.denominator)
        w = [int(event[f"w{k}"]) for k in range(5)]
        values: dict[Kind, tuple[Any, ...]] = {
            Kind.BAR: (*(word * tick for word in w[:4]), w[4] * lot),
            Kind.TRADE: (w[0] * tick, w[1] * lot),
            Kind.QUOTE: (w[0] * tick, w[1] * tick, w[2] * lot, w[3] * lot),
            Kind.DEPTH: (w[0] * tick, w[1] * lot),
            Kind.FUNDING: (Fraction(w[0], 10**9),),
        }
        found.append((int(event["ts_local_ns"]), kind.name, one.symbol, *values[kind]))
    return found


def table_trades(path: Path) -> list[peers.Row]:
    recording = table_format.read(path, "trades", unit="ms")
    events = recording.events()
    words = np.where(events["flags"] & int(Flag.BUY), "buy", "sell").tolist()
    return [(*row, int(event["w2"]), word) for row, event, word in zip(rows_of(recording), events, words, strict=True)]


def captured(read: Callable[[Path], Recording]) -> Callable[[Path], set[peers.Row]]:
    """Prices and sizes at their local stamps; a level that left the book has size 0 and is told by no message."""

    def rows(path: Path) -> set[peers.Row]:
        recording = read(path)
        made = {(row[0], *pair) for row in rows_of(recording, Kind.DEPTH, Kind.TRADE, Kind.QUOTE) for pair in _levels(row)}
        return {row for row in made if row[2]}

    return rows


def _levels(row: peers.Row) -> list[tuple[Fraction, Fraction]]:
    return [(row[3], row[5]), (row[4], row[6])] if row[1] == "QUOTE" else [(row[3], row[4])]


def lines(*rows: str) -> bytes:
    return ("\n".join(rows) + "\n").encode()


def minute_bars(count: int = 12, symbols: tuple[str, ...] = ()) -> bytes:
    rows = [",".join(("ts", *peers.BAR, *(("symbol",) if symbols else ())))]
    for k in range(count):
        open_ = 100.5 + k * 0.25
        stamp = f"2023-03-06T{14 + (30 + k) // 60:02d}:{(31 + k) % 60:02d}:00Z"
        for symbol in symbols or ("",):
            rows.append(f"{stamp},{open_},{open_ + 1:.2f},{open_ - 0.75},{open_ + 0.5},{1000 + 7 * k}" + (f",{symbol}" if symbol else ""))
    return lines(*rows)


def frame() -> pd.DataFrame:
    made = pd.read_csv(io.BytesIO(minute_bars()))
    return made.assign(ts=pd.to_datetime(made["ts"], utc=True))


def saved(write: Callable[[Any], None]) -> bytes:
    sink = io.BytesIO()
    write(sink)
    return sink.getvalue()


def trade_lines(count: int = 12) -> bytes:
    words = [f"{EPOCH_MS + 250 * k},{10 + k / 100:.2f},{k + 1},{('buy', 'sell')[k % 2]},{77 + k}" for k in range(count)]
    return lines("ts,price,size,side,trade_id", *words)


def quote_lines(count: int = 12) -> bytes:
    words = [f"{EPOCH_MS + 250 * k},{10 + k / 100:.2f},{10.02 + k / 100:.2f},{k + 1},{2 * k + 1}" for k in range(count)]
    return lines("ts,bid,ask,bid_size,ask_size", *words)


def binance_lines() -> bytes:
    first = {"lastUpdateId": 100, "symbol": "ACME", "bids": [["99.00", "50"]], "asks": [["101.00", "50"]]}
    words: list[str] = [f"{EPOCH_MS * 10**6} {json.dumps(first)}"]
    for k in range(8):
        level = [[f"{98 + k / 4:.2f}", str(k)]]
        diff = {"e": "depthUpdate", "E": EPOCH_MS + k, "s": "ACME", "U": 101 + k, "u": 101 + k, "b": level, "a": []}
        trade = {"e": "trade", "E": EPOCH_MS, "T": EPOCH_MS + k, "s": "ACME", "t": 500 + k, "p": "100.25", "q": "1.5", "m": k % 2 == 0}
        words += [f"{(EPOCH_MS + 50 + k) * 10**6} {json.dumps({'stream': 'x', 'data': one})}" for one in (diff, trade)]
    return lines(*words)


def kraken_lines() -> bytes:
    trade = [1, [["0.0502", "1.5", "1618678134.1", "b", "l", ""]], "trade", "A/B"]
    return lines(*(f"{1618678134 + k}.25: {json.dumps(one)}" for k, one in enumerate([{"event": "heartbeat"}, book(BOOK), UPDATE, trade])))


def coinbase_lines() -> bytes:
    return lines(*(f"{1618677817 + k}.25: {json.dumps(one)}" for k, one in enumerate(MESSAGES)))


def itch_day(count: int = 8) -> bytes:
    text = [itch_message("S", 0, b"O", 0), itch_message("R", 1, b"ACME    QN" + bytes([0, 0, 0, 100]) + b"NCZ PNN1N" + bytes(4) + b"N")]
    for ref in range(1, count):
        at = 34_200 * 10**9 + ref * 10**6
        text.append(itch_add(at, ref, buy=ref % 2 == 0, price=1_000_000 + 100 * ref))
        if ref % 3 == 1:
            text.append(itch_message("E", at + 5, ref.to_bytes(8, "big") + (40).to_bytes(4, "big") + ref.to_bytes(8, "big")))
        elif ref % 3 == 2:
            text.append(itch_message("D", at + 5, ref.to_bytes(8, "big")))
    return b"".join(text)


def lobster_lines() -> bytes:
    rows = [
        "34200.1,1,1,100,1000100,-1",
        "34200.2,1,2,200,999900,1",
        "34200.3,4,1,40,1000100,-1",
        "34200.4,2,2,50,999900,1",
        "34201.5,5,0,10,1000000,1",
        "34202,3,2,150,999900,1",
        "34203.25,6,9,500,1000000,1",
    ]
    return lines(*rows)


def lean_lines() -> bytes:
    return lines(*(f"{34_200_000 + 60_000 * k},{1_000_000 + 100 * k},1002000,999900,{1_000_100 + 100 * k},{100 + k}" for k in range(10)))


def frozen(frame: pd.DataFrame) -> bytes:
    from pyarrow import feather

    return saved(lambda sink: feather.write_feather(frame, sink))


def candles() -> pd.DataFrame:
    made = frame().rename(columns={"ts": "date"})
    return made.assign(date=made["date"].dt.as_unit("ms"), volume=made["volume"].astype(float))


def freqtrade_trades() -> pd.DataFrame:
    made = pd.read_csv(io.BytesIO(trade_lines()))
    columns = {"timestamp": made["ts"], "id": made["trade_id"].astype(str), "type": None, "side": made["side"], "price": made["price"]}
    return pd.DataFrame({**columns, "amount": made["size"].astype(float), "cost": 1.0})


def arrow_bars(path: Path, stamp: str, symbol: str, add_ns: int) -> list[peers.Row]:
    """The peer of Parquet and feather."""
    found = []
    for when, *values in peers.arrow(path, (stamp, *peers.BAR)):
        since = when - peers.EPOCH
        ns = (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000 + add_ns
        found.append((ns, "BAR", symbol, *map(peers.number, values)))
    return found


def dataset(folder: Path) -> Path:
    """A dataset of the catalog, under `folder`."""
    source = folder / "ACME.csv"
    source.write_bytes(minute_bars())
    catalog.import_recording("acme", bars.read(source), root=folder / "root", licence="CC0")
    return folder / "root"


def tick_store(folder: Path) -> Path:
    events = np.zeros(20, EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = EPOCH_MS * 10**6 + np.arange(20) * 1000
    events["kind"], events["w0"], events["w1"] = Kind.TRADE, 1000 + np.arange(20), 5
    SegmentStore("live", folder / "root").append("feed", 1, events, [Instrument("ACME")])
    return folder / "root"


def _lobster(path: Path) -> list[peers.Row]:
    return rows_of(lobster_format.read(path), Kind.TRADE) if rows_of(lobster_format.read(path)) else []


def _lean(path: Path) -> list[peers.Row]:
    return rows_of(lean.read(path))


LOBSTER = "ACME_2012-06-21_34200000_57600000_message_2.csv"
BOOK_FILE, BOOK_ROW = LOBSTER.replace("message", "orderbook"), b"1000700,500,999300,500,1000800,700,999200,900\n"
LEAN_DAILY = lines(*(f"201406{day:02d} 00:00,{6_400_000 + day},6500000,6300000,{6_400_100 + day},{1000 + day}" for day in (2, 3, 4, 5, 6)))
LEAN_QUOTES = lines(*(f"{34_200_000 + 60_000 * k},{'6450000,' * 4}{200 + k},{'6451000,' * 4}{300 + k}" for k in range(8)))
LEAN_TICKS = lines(*(f"{34_200_000 + 250 * k},{6_450_000 + 100 * k},{100 + k},P,{'80' if k == 1 else '0'},{k % 4 // 3}" for k in range(10)))
LEAN_QUOTE_TICKS = lines(*(f"{34_200_000 + 250 * k},{6_450_000 + k},{100 + k},{6_451_000 + k},{200 + k},P,0,0" for k in range(10)))
LEAN = "Data/equity/usa/minute/aapl/20140605_trade.zip"


def specimens() -> dict[str, Specimen]:
    """By name."""
    made = {
        "bars": Specimen("ACME.csv", minute_bars(), lambda p: rows_of(bars.read(p)), peers.bars, guess=True),
        "bars_gz": Specimen("ACME.csv.gz", minute_bars(), lambda p: rows_of(bars.read(p)), peers.bars, pack="gz", guess=True),
        "bars_parquet": Specimen("ACME.parquet", saved(frame().to_parquet), lambda p: rows_of(bars.read(p)), guess=True),
        "symbols": Specimen("both.csv", minute_bars(8, ("AAA", "BBB")), lambda p: rows_of(bars.read(p)), peers.symbols),
        "trades": Specimen("acme.csv", trade_lines(), table_trades, peers.trades),
        "trades_gz": Specimen("acme.csv.gz", trade_lines(), table_trades, peers.trades, pack="gz"),
        "trades_parquet": Specimen("acme.parquet", saved(pd.read_csv(io.BytesIO(trade_lines())).to_parquet), table_trades),
        "quotes": Specimen("acme.csv", quote_lines(), lambda p: rows_of(table_format.read(p, "quotes", unit="ms")), peers.quotes),
        "funding": Specimen(
            "acme.csv",
            lines("ts,rate", *(f"{EPOCH_MS + k * 28_800_000},{k}e-5" for k in range(9))),
            lambda p: rows_of(table_format.read(p, "funding", unit="ms")),
            peers.funding,
        ),
        "candles": Specimen("ACME_USDT-1m.feather", frozen(candles()), lambda p: rows_of(freqtrade.read(p)), guess=True),
        "freqtrade_trades": Specimen("ACME_USDT-trades.feather", frozen(freqtrade_trades()), lambda p: rows_of(freqtrade.read(p))),
        "binance": Specimen("acme.txt", binance_lines(), captured(binance.read), peers.captured),
        "binance_gz": Specimen("acme.gz", binance_lines(), captured(binance.read), peers.captured, pack="gz"),
        "kraken": Specimen("kraken.txt", kraken_lines(), captured(kraken.read), peers.captured, guess=True),
        "coinbase": Specimen("coinbase.txt", coinbase_lines(), captured(coinbase.read), peers.captured, guess=True),
        "itch": Specimen("day.itch", itch_day(), lambda p: rows_of(itch.read(p, date=dt.date(2024, 7, 1))), peers.itch),
        "itch_gz": Specimen("day.itch.gz", itch_day(), lambda p: rows_of(itch.read(p, date=dt.date(2024, 7, 1))), peers.itch, pack="gz"),
        "lobster": Specimen(LOBSTER, lobster_lines(), _lobster, peers.lobster, beside={BOOK_FILE: BOOK_ROW}, guess=True),
        "lobster_book": Specimen(
            BOOK_FILE,
            BOOK_ROW,
            lambda p: rows_of(lobster_format.read(p.with_name(LOBSTER))),
            shown=bytes.split,
            beside={LOBSTER: lobster_lines()},
        ),
        "lean": Specimen(LEAN, lean_lines(), _lean, peers.lean_minutes, pack="zip", guess=True),
        "lean_daily": _of_lean("daily/aapl.zip", LEAN_DAILY),
        "lean_quotes": _of_lean("minute/aapl/20140605_quote.zip", LEAN_QUOTES),
        "lean_ticks": _of_lean("tick/aapl/20140605_trade.zip", LEAN_TICKS),
        "lean_quote_ticks": _of_lean("tick/aapl/20140605_quote.zip", LEAN_QUOTE_TICKS),
    }
    return made | _of_databento()


def _of_lean(path: str, content: bytes) -> Specimen:
    return Specimen(f"Data/equity/usa/{path}", content, _lean, shown=bytes.split, pack="zip", guess=True)


def _of_databento() -> dict[str, Specimen]:
    try:
        import databento_dbn  # noqa: F401
    except ImportError:
        return {}
    import tempfile

    from tests.data.mutation.dbn_files import dbn_definitions, dbn_orders, dbn_trades
    from tests.data.quality.good_files import dbn_bars

    with tempfile.TemporaryDirectory() as folder:
        content = dbn_bars(Path(folder), 12).read_bytes()
    orders, trades, terms = dbn_orders(), dbn_trades(), dbn_definitions()
    return {
        "dbn": Specimen("acme.dbn", content, lambda p: rows_of(databento.read(p)), peers.dbn_bars, guess=True),
        "dbn_orders": Specimen("acme.dbn", orders, _dbn, shown=bytes, guess=True),
        "dbn_trades": Specimen("acme.dbn", trades, _dbn, shown=bytes, guess=True),
        "dbn_definitions": Specimen("terms.dbn", terms, _dbn_with_terms, shown=bytes, beside={"acme.dbn": orders}),
    }


def _dbn(path: Path) -> Any:
    recording = databento.read(path)
    return recording.events().tobytes(), recording.instruments


def _dbn_with_terms(path: Path) -> Any:
    recording = databento.read(path.with_name("acme.dbn"), definitions=path)
    return recording.events().tobytes(), recording.instruments


def packed(specimen: Specimen, content: bytes) -> bytes:
    """Content as the file has it."""
    if specimen.pack == "gz":
        return gzip.compress(content, mtime=0)
    if specimen.pack == "zip":
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("20140605_aapl_minute_trade.csv"), content, zipfile.ZIP_DEFLATED)
        return sink.getvalue()
    return content


def placed(specimen: Specimen, data: bytes, folder: Path) -> Path:
    """Write a file and those beside it."""
    for name, content in (*specimen.beside.items(), (specimen.name, data)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder / specimen.name
