"""Good files pass without a word above a note; each kind of damage is refused by its reader or found by its rule."""

from __future__ import annotations

import gzip
import json
import re
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.data.quality.examine import examine
from framework.data.quality.findings import Examination
from framework.data.store import catalog
from framework.errors import DataError
from tests.data.quality.good_files import GOOD, NOW_NS, dbn_bars, draw, itch_add, itch_message

Frame = pd.DataFrame
PRICES = ["open", "high", "low", "close"]


@dataclass(frozen=True)
class Damage:
    """What is done to a good file, and what must come of it: a rule's name, or a pattern of the reader's refusal."""

    name: str
    good: str
    do: Callable[[Path], Path | None]
    rule: str = ""
    refused: str = ""


def table(change: Callable[[Frame], Frame]) -> Callable[[Path], None]:
    """Damage to a CSV as a table of numbers."""

    def do(path: Path) -> None:
        change(pd.read_csv(path)).to_csv(path, index=False)

    return do


def lines(change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    """Damage to the lines of a text file, packed or not."""

    def do(path: Path) -> None:
        packed = path.suffix == ".gz"
        text = gzip.decompress(path.read_bytes()).decode() if packed else path.read_text()
        text = "\n".join(change(text.splitlines())) + "\n"
        path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())

    return do


def content(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def do(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return do


def put(rows: slice | int | list[int], columns: list[str], change: Callable[[Frame], object]) -> Callable[[Path], None]:
    """Change some cells."""

    def do(frame: Frame) -> Frame:
        frame = frame.astype({name: float for name in columns})
        at = frame.index[rows] if isinstance(rows, slice) else [rows] if isinstance(rows, int) else rows
        frame.loc[at, columns] = change(frame.loc[at, columns])
        return frame

    return table(do)


def times(rows: slice | int, columns: list[str], factor: float) -> Callable[[Path], None]:
    return put(rows, columns, lambda cells: (cells * factor).round(6))


def swapped(one: str, other: str, rows: slice = slice(None)) -> Callable[[Path], None]:
    def do(frame: Frame) -> Frame:
        frame = frame.astype({one: float, other: float})
        at = frame.index[rows]
        frame.loc[at, [one, other]] = frame.loc[at, [other, one]].to_numpy()
        return frame

    return table(do)


def without(rows: slice) -> Callable[[Path], None]:
    return table(lambda frame: frame.drop(frame.index[rows]))


def copied(source: slice, target: int, columns: list[str]) -> Callable[[Path], None]:
    """The values of some rows written over later ones, whose stamps stay."""

    def do(frame: Frame) -> Frame:
        block = frame.loc[frame.index[source], columns].to_numpy()
        frame.loc[frame.index[target : target + len(block)], columns] = block
        return frame

    return table(do)


def doubled(rows: slice, frame: Frame) -> Frame:
    twice = pd.concat([frame, frame.iloc[rows]])
    return twice.sort_values("ts", kind="stable")


def inserted(row: int, **cells: object) -> Callable[[Path], None]:
    """A copy of a row after itself with other cells."""

    def do(frame: Frame) -> Frame:
        extra = frame.iloc[[row]].assign(**cells)
        return pd.concat([frame.iloc[: row + 1], extra, frame.iloc[row + 1 :]])

    return table(do)


def cell(row: int, column: str, text: str) -> Callable[[Path], None]:
    def do(found: list[str]) -> list[str]:
        words = found[row].split(",")
        words[found[0].split(",").index(column)] = text
        return [*found[:row], ",".join(words), *found[row + 1 :]]

    return lines(do)


def with_split(frame: Frame) -> Frame:
    frame = frame.astype({"volume": float})
    late = frame.index[250:]
    frame.loc[late, PRICES] = (frame.loc[late, PRICES] / 7).round(4)
    frame.loc[late, "volume"] *= 7
    return frame


def flat(frame: Frame) -> Frame:
    block = frame.index[700:730]
    frame.loc[block, PRICES] = float(frame.loc[block[0], "close"])
    frame.loc[block, "volume"] = 0
    return frame


def as_noise(frame: Frame) -> Frame:
    """Sizes where prices should be, in a shape that a bar may have."""
    sizes = np.round(draw(99).lognormal(3, 1.5, (len(frame), 4)), 2)
    frame["open"], frame["close"], frame["high"], frame["low"] = sizes[:, 0], sizes[:, 1], sizes.max(axis=1), sizes.min(axis=1)
    return frame


def zipped(change: Callable[[str], str], *, which: slice = slice(None)) -> Callable[[Path], None]:
    """Damage to the text in Lean's zips."""

    def do(root: Path) -> None:
        for path in sorted(root.rglob("*.zip"))[which]:
            with zipfile.ZipFile(path) as archive:
                [name] = archive.namelist()
                text = archive.read(name).decode()
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr(name, change(text))

    return do


def columns_of(text: str, change: Callable[[list[int]], list[int]]) -> str:
    return "".join(",".join(map(str, change([int(word) for word in row.split(",")]))) + "\n" for row in text.splitlines())


def later(hours: int) -> Callable[[str], str]:
    return lambda text: columns_of(text, lambda row: [row[0] + hours * 3_600_000, *row[1:]])


def first_zip(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def do(root: Path) -> None:
        path = min(root.rglob("*.zip"))
        path.write_bytes(change(path.read_bytes()))

    return do


def renamed_ticker(root: Path) -> None:
    folder = root / "equity/usa/minute/acme"
    folder.rename(folder.with_name("acne"))


def first_partition(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def do(root: Path) -> None:
        path = min(root.rglob("*.parquet"))
        path.write_bytes(change(path.read_bytes()))

    return do


def lost_partition(root: Path) -> None:
    min(root.rglob("*.parquet")).unlink()


def edited_manifest(root: Path) -> None:
    path = next(root.rglob("manifest.json"))
    path.write_text(path.read_text().replace('"1/100"', '"1/1000"', 1))


def renamed_midway(frame: Frame) -> Frame:
    one = frame["symbol"] == "AAA"
    late = frame.index[one][260:]
    frame.loc[late, "symbol"] = "AAB"
    return frame


def one_for_the_other(frame: Frame) -> Frame:
    one, two = (frame.index[frame["symbol"] == name] for name in ("AAA", "BBB"))
    columns = [*PRICES, "volume"]
    frame.loc[two[300:], columns] = frame.loc[one[300:], columns].to_numpy()
    return frame


def as_messages(change: Callable[[list[dict[str, object]]], None]) -> Callable[[Path], None]:
    """Damage to a capture, message by message; stamps stay."""

    def do(found: list[str]) -> list[str]:
        stamps = [row.split(" ", 1)[0] for row in found]
        messages = [json.loads(row.split(" ", 1)[1]) for row in found]
        change(messages)
        return [f"{stamp} {json.dumps(one)}" for stamp, one in zip(stamps, messages, strict=True) if one]

    return lines(do)


def crossing(messages: list[dict[str, object]]) -> None:
    diffs = [one for one in messages if one.get("stream") == "acme@depth"]
    diffs[200]["data"]["b"] = [["107.00", "5"]]  # type: ignore[index]


def dropped(messages: list[dict[str, object]]) -> None:
    at = [k for k, one in enumerate(messages) if one.get("stream") == "acme@depth"]
    messages[at[300]].clear()


def renamed(name: str) -> Callable[[Path], Path]:
    return lambda path: path.rename(path.with_name(name))


def swapped_lobster(found: list[str]) -> list[str]:
    return [",".join([*(w := row.split(","))[:3], w[4], w[3], w[5]]) for row in found]


def turned_lobster(found: list[str]) -> list[str]:
    """New buy orders at the price of a far offer."""
    at = [k for k, row in enumerate(found) if row.split(",")[1] == "1" and row.endswith(",1")][50:52]
    for k in at:
        words = found[k].split(",")
        words[4] = "1002000"
        found[k] = ",".join(words)
    return found


def parquet(change: Callable[[Frame], Frame]) -> Callable[[Path], None]:
    return lambda path: change(pd.read_parquet(path)).to_parquet(path)


def as_feather(change: Callable[[Frame], Frame]) -> Callable[[Path], None]:
    def do(path: Path) -> None:
        from pyarrow import feather

        feather.write_feather(change(pd.read_feather(path)).reset_index(drop=True), str(path))

    return do


def cents(frame: Frame) -> Frame:
    frame.loc[frame.index[2000:2400], "price"] = (frame.loc[frame.index[2000:2400], "price"] * 100).round(2)
    return frame


def in_london(frame: Frame) -> Frame:
    """The wall time of London read as UTC."""
    wall = pd.DatetimeIndex(pd.to_datetime(frame["ts"], unit="ms", utc=True)).tz_convert("Europe/London").tz_localize(None)
    frame["ts"] = wall.as_unit("ms").asi8
    return frame


def moved(rows: slice, milliseconds: int) -> Callable[[Path], None]:
    def do(frame: Frame) -> Frame:
        frame.loc[frame.index[rows], "ts"] += milliseconds
        return frame

    return table(do)


DAMAGES = [
    # daily bars as CSV
    Damage("cents for dollars in a stretch", "daily", times(slice(200, 240), PRICES, 100), "units"),
    Damage("ten-thousandths from a day on", "daily", times(slice(300, None), PRICES, 10_000), "units"),
    Damage("a digit too many in one bar", "daily", times(123, PRICES, 10), "units"),
    Damage("high and low exchanged", "daily", swapped("high", "low"), refused=r"line 2, column high: .*rule: high >= open"),
    Damage("open and close exchanged", "daily", swapped("open", "close"), "swapped"),
    Damage("volume and close exchanged", "daily", swapped("volume", "close"), refused=r"line \d+, column high"),
    Damage("a negative price", "daily", put(50, ["low"], lambda cells: -cells), refused="line 52, column low: .*rule: low > 0"),
    Damage("a price of zero", "daily", put(50, ["open"], lambda cells: cells * 0), refused="line 52, column open: 0.0"),
    Damage("an empty cell", "daily", cell(60, "close", ""), refused="line 61, column close: empty"),
    Damage("a word among numbers", "daily", cell(60, "close", "n/a"), refused="line 61, column close: 'n/a'"),
    Damage(
        "a comma in a number", "daily", cell(60, "volume", "1,000,000"), refused="line 61: 8 fields, the header has 6: .*without commas"
    ),
    Damage("infinity", "daily", cell(60, "high", "inf"), refused="line 61, column high: inf"),
    Damage(
        "a duplicated row", "daily", lines(lambda found: [*found[:80], *found[79:]]), refused="line 81, column stamp: .*one row a stamp"
    ),
    Damage(
        "two rows out of order", "daily", lines(lambda f: [*f[:80], f[81], f[80], *f[82:]]), refused="line 82, column stamp: .*increase"
    ),
    Damage("dates with the month first", "daily", cell(90, "ts", "03/04/2022"), refused="line 91, column stamp: '03/04/2022'; rule: .*ISO"),
    Damage("a header lost", "daily", lines(lambda found: found[1:]), refused="no stamp column; found 2022-01-03"),
    Damage("a column lost", "daily", table(lambda frame: frame.drop(columns="low")), refused="column 'low' is missing"),
    Damage(
        "an adjusted close", "daily", table(lambda f: f.assign(**{"Adj Close": f["close"]})), refused="adjusted prices are not the prices"
    ),
    Damage("a bar on a Sunday", "daily", inserted(4, ts="2022-01-09"), refused="line 7, column stamp: 2022-01-09 is not a session of XNYS"),
    Damage("a week lost", "daily", without(slice(100, 105)), "missing_sessions"),
    Damage("a bar in the future", "daily", lines(lambda found: [*found, "2026-03-02" + found[-1][10:]]), "future"),
    Damage("a split that nobody told", "daily", table(with_split), "split_like"),
    Damage("a bar repeated for a week", "daily", put(slice(300, 305), [*PRICES, "volume"], lambda c: c.to_numpy()[0]), "stale"),
    Damage("volumes set to zero", "daily", times(slice(100, 120), ["volume"], 0), "zero_volume"),
    Damage("a volume in thousandths", "daily", times(200, ["volume"], 1000), "volume"),
    Damage("volumes in lots for two weeks", "daily", times(slice(200, 210), ["volume"], 0.01), "volume"),
    Damage("a block told again later", "daily", copied(slice(100, 130), 300, [*PRICES, "volume"]), "repeated_block"),
    Damage("a high nobody traded at", "daily", times(222, ["high"], 1.8), "wick"),
    Damage("a low nobody traded at", "daily", times(222, ["low"], 0.4), "wick"),
    Damage("a truncated gzip", "daily_gz", content(lambda data: data[:-500]), refused="ACME.csv.gz: not a CSV file that can be read"),
    Damage("a bit flipped in a gzip", "daily_gz", content(lambda d: d[:3000] + bytes([d[3000] ^ 16]) + d[3001:]), refused="ACME.csv.gz"),
    # minutes of a stock as CSV
    Damage(
        "an hour's shift of all stamps",
        "minute",
        lines(lambda f: [f[0], *(later_hour(row) for row in f[1:])]),
        refused="inside its sessions",
    ),
    Damage(
        "the clock change missed", "minute", lines(lambda f: [*f[:1951], *(later_hour(r) for r in f[1951:])]), refused="inside its sessions"
    ),
    Damage("stamps without a zone", "minute", lines(lambda found: [row.replace("Z,", ",") for row in found]), refused="no time zone"),
    Damage("a bad print", "minute", times(1234, PRICES, 1.2), "spike"),
    Damage("bars lost", "minute", without(slice(1000, 1020)), "missing_bars"),
    Damage("a session lost", "minute", without(slice(390, 780)), "missing_sessions"),
    Damage("one stamp with two bars", "minute", inserted(500, close=99.0), refused="one row a stamp"),
    Damage("a volume with a digit and a half too many", "minute", times(700, ["volume"], 3000), "volume"),
    # hours of a coin
    Damage(
        "milliseconds read as seconds",
        "hour",
        table(lambda f: f.assign(ts=f["ts"] * 1000)),
        refused="are no moments when they count ms since 1970",
    ),
    Damage("seconds read as milliseconds", "hour", table(lambda f: f.assign(ts=f["ts"] // 1000)), "epoch"),
    Damage("an hour lost at the clock change", "hour", without(slice(900, 902)), "missing_bars"),
    Damage("a stretch an hour late", "hour", moved(slice(500, 700), 3_600_000), refused="one row a stamp|increase"),
    Damage("a feed that stood still", "hour", table(flat), "stale"),
    Damage("sizes where prices should be", "hour", table(as_noise), "noise"),
    # quotes and trades
    Damage("bid and ask exchanged", "quotes", swapped("bid", "ask"), refused="row 0: bid .* above ask"),
    Damage("an offer in cents", "quotes", times(3000, ["ask"], 100), "units"),
    Damage("a quote far away", "quotes", put(3000, ["bid", "ask"], lambda cells: (cells * 1.1).round(2)), "spike"),
    Damage("an hour without quotes", "quotes", without(slice(2000, 3800)), "silence"),
    Damage("quotes told again later", "quotes", copied(slice(500, 900), 4000, ["bid", "ask", "bid_size", "ask_size"]), "repeated_block"),
    Damage(
        "a block of trades without ids twice",
        "trades",
        table(lambda f: doubled(slice(1000, 1100), f.drop(columns="trade_id"))),
        "duplicate",
    ),
    Damage("a negative size", "quotes", times(100, ["bid_size"], -1), refused="row 100, column bid_size"),
    Damage(
        "quotes of a unit too large",
        "quotes",
        table(lambda f: f.assign(ts=f["ts"] * 10**6)),
        refused="rule: stamps lie from 1850-01-01 to 2200-01-01.*smaller unit=",
    ),
    Damage("quotes running backwards", "quotes", lines(lambda f: [*f[:80], f[90], *f[80:]]), refused="row 80, column stamp"),
    Damage("trades told twice", "trades", table(lambda frame: doubled(slice(1000, 1100), frame)), "duplicate"),
    Damage("price and size exchanged", "trades", swapped("price", "size"), "noise"),
    Damage("a side that is none", "trades", cell(77, "side", "hold"), refused="row 76, column side"),
    Damage("a trade of nothing", "trades", times(88, ["size"], 0), refused="row 88, column size"),
    Damage("cents for dollars in Parquet", "parquet", parquet(cents), "units"),
    Damage("a cut Parquet file", "parquet", content(lambda data: data[:-100]), refused="acme.parquet: cannot be read"),
    # funding
    Damage("London's wall time", "funding", table(in_london), "phase"),
    Damage("funding in per mille of percent", "funding", times(slice(300, 400), ["rate"], 1000), "size"),
    Damage("a funding row twice", "funding", table(lambda frame: doubled(slice(40, 41), frame)), "duplicate"),
    # QuantConnect Lean
    Damage("the clock change missed in Lean", "lean", zipped(later(1), which=slice(5, None)), "zone"),
    Damage(
        "dollars for ten-thousandths in Lean",
        "lean",
        zipped(lambda t: columns_of(t, lambda r: [r[0], *(max(p // 10_000, 1) for p in r[1:5]), r[5]]), which=slice(4, 5)),
        "units",
    ),
    Damage("a ticker renamed in Lean", "lean", renamed_ticker, refused="no .*ACME"),
    Damage("a truncated zip", "lean", first_zip(lambda data: data[:-40]), refused="_trade.zip"),
    Damage("a day of Lean lost", "lean", lambda root: sorted(root.rglob("*.zip"))[3].unlink(), "missing_sessions"),
    # books
    Damage("price and size exchanged in LOBSTER", "lobster", lines(swapped_lobster), refused="price|size|tick"),
    Damage("an order added twice", "lobster", lines(lambda f: [*f[:21], f[20], *f[21:]]), refused="line|row"),
    Damage("a bid above the offers", "lobster", lines(turned_lobster), "book_crossed"),
    Damage("an update lost", "binance", as_messages(dropped), "sequence"),
    Damage("a bid above the offers, captured", "binance", as_messages(crossing), "book_crossed"),
    Damage("a truncated capture", "binance", content(lambda data: data[:-300]), refused="acme.gz"),
    Damage(
        "a capturing clock behind",
        "binance",
        lines(lambda f: [f"{int(r.split(' ', 1)[0]) - 10**9} {r.split(' ', 1)[1]}" for r in f]),
        refused="clock_offset_ns",
    ),
    Damage(
        "an execution of an unknown order",
        "itch",
        content(lambda d: d + itch_message("E", 40_000 * 10**9, struct.pack(">QIQ", 10**6, 5, 1))),
        refused="an order is added before",
    ),
    Damage("ITCH cut", "itch", content(lambda data: data[:-7]), refused="ends inside a message"),
    Damage(
        "an offer below the bids in ITCH",
        "itch",
        content(lambda d: d + itch_add(34_500 * 10**9, 10**6, buy=False, price=900_000)),
        "book_crossed",
    ),
    # freqtrade
    Damage("a file of freqtrade renamed", "freqtrade", renamed("ACME.feather"), refused="the name does not say"),
    Damage(
        "columns of freqtrade in another order",
        "freqtrade",
        as_feather(lambda f: f[["date", "close", "high", "low", "open", "volume"]]),
        refused="columns date, close",
    ),
    Damage("candles lost", "freqtrade", as_feather(lambda f: f.drop(index=range(500, 530))), "missing_bars"),
    Damage("a candle twice", "freqtrade", as_feather(lambda f: f.loc[[*range(100), 99, *range(100, len(f))]]), refused="twice"),
    # several instruments
    Damage("a symbol renamed midway", "symbols", table(renamed_midway), "renamed"),
    Damage("rows of another instrument", "symbols", table(one_for_the_other), "twins"),
    Damage("an instrument lost", "symbols", table(lambda frame: frame[frame["symbol"] == "AAA"]), "empty"),
    # a dataset
    Damage(
        "a bit flipped in a partition", "dataset", first_partition(lambda d: d[:200] + bytes([d[200] ^ 1]) + d[201:]), refused="damaged"
    ),
    Damage("a partition cut", "dataset", first_partition(lambda data: data[:-10]), refused="damaged"),
    Damage("a partition lost", "dataset", lost_partition, refused="the partition is missing"),
    Damage("an edited manifest", "dataset", edited_manifest, refused="does not match its digest"),
]


def later_hour(row: str) -> str:
    stamp, rest = row.split(",", 1)
    return f"{(pd.Timestamp(stamp) + pd.Timedelta(hours=1)).strftime('%Y-%m-%dT%H:%M:%SZ')},{rest}"


def look(good: str, path: Path) -> Examination:
    return examine(GOOD[good].read(path), now_ns=NOW_NS, expected=["AAA", "BBB"] if good == "symbols" else ())


@pytest.mark.parametrize("good", GOOD)
def test_a_good_file_passes(good: str, tmp_path: Path) -> None:
    found = look(good, GOOD[good].write(tmp_path))
    assert [(finding.rule, finding.sentence) for finding in found.findings if finding.severity != "note"] == []
    assert found.score == 100


def test_there_are_enough_kinds_of_damage() -> None:
    names = [damage.name for damage in DAMAGES]
    assert len(set(names)) == len(names) >= 50


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_damage_is_refused_or_found(damage: Damage, tmp_path: Path) -> None:
    path = GOOD[damage.good].write(tmp_path)
    path = damage.do(path) or path
    if damage.refused:
        with pytest.raises(DataError) as error:
            look(damage.good, path)
        assert re.search(damage.refused, str(error.value)), str(error.value)
        return
    found = look(damage.good, path)
    grave = {finding.rule: finding.sentence for finding in found.findings if finding.severity != "note"}
    assert damage.rule in grave, (grave, found.frame())
    assert found.score < 100


@pytest.mark.extra(name="data")
def test_bars_of_databento_pass_and_cents_in_them_are_found(tmp_path: Path) -> None:
    pytest.importorskip("databento_dbn", reason='needs the extra "data"')
    from framework.data.formats import databento

    path = dbn_bars(tmp_path)
    assert examine(databento.read(path), now_ns=NOW_NS).worst() in (None, "note")
    data = bytearray(path.read_bytes())
    size = struct.calcsize("<BBHIQqqqqQ")
    for k in range(100, 110):
        at = len(data) - (k + 1) * size + 16
        data[at : at + 32] = struct.pack("<4q", *(price * 100 for price in struct.unpack("<4q", data[at : at + 32])))
    path.write_bytes(bytes(data))
    assert "units" in {finding.rule for finding in examine(databento.read(path), now_ns=NOW_NS).findings}
    path.write_bytes(bytes(data[:-5]))
    with pytest.raises(DataError, match="of 56 bytes"):
        databento.read(path).events()


def test_the_catalog_names_the_file_that_is_damaged(tmp_path: Path) -> None:
    root = GOOD["dataset"].write(tmp_path)
    assert catalog.check("acme", root) == []
    first_partition(lambda data: data[:300] + bytes([data[300] ^ 1]) + data[301:])(root)
    [sentence] = catalog.check("acme", root)
    assert sentence.startswith("acme@1/instrument=ACME/2023-03-0000.parquet: checksum")
