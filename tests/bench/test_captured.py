"""W4B: the rows of a capture, what is refused, what is skipped, and the money of its fills; hftbacktest beside it where that is there."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from framework import cli
from framework.bench import engines, measure, ours, workloads
from framework.bench.book_walk import book_walk
from framework.bench.captured import Capture, captured
from framework.bench.measure import Skipped
from framework.bench.peers.harness import Work
from framework.data.formats import binance
from framework.data.series.book_replay import OrderBook
from framework.errors import DataError
from framework.schema.event import Flag, Kind

DAY_MS = 1_723_075_200_000
"""2024-08-08, midnight."""
Message = tuple[int, dict[str, Any]]


def diff(ms: int, first: int, bids: list[list[str]], asks: list[list[str]]) -> dict[str, Any]:
    return {"e": "depthUpdate", "E": ms, "T": ms, "s": "ABC", "U": first, "u": first, "pu": first - 1, "b": bids, "a": asks}


def trade(ms: int, number: int, price: str, size: str, *, sold: bool) -> dict[str, Any]:
    return {"e": "trade", "E": ms, "T": ms, "s": "ABC", "t": number, "p": price, "q": size, "m": sold, "X": "MARKET"}


def snapshot(ms: int, last: int, bids: list[list[str]], asks: list[list[str]]) -> dict[str, Any]:
    return {"lastUpdateId": last, "E": ms, "T": ms, "bids": bids, "asks": asks}


def written(folder: Path, messages: list[Message]) -> Capture:
    """Messages with their local stamps in ns, in order of these."""
    lines = (
        f"{ns} {json.dumps(m if 'lastUpdateId' in m else {'stream': 'x', 'data': m})}\n" for ns, m in sorted(messages, key=lambda m: m[0])
    )
    (folder / "abc.gz").write_bytes(gzip.compress("".join(lines).encode()))
    return Capture(folder / "abc.gz")


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """30 seconds before midnight and some after it, as Binance would tell them: depth 5 to 6 ms late, trades 2 ms."""
    rows = book_walk(40_000, 3, (DAY_MS + 86_400_000 - 30_000) * 1_000_000)
    columns = {name: rows[name].tolist() for name in rows}
    jitter = np.random.default_rng(3).integers(0, 1_000_000, len(columns["kind"])).tolist()
    sides: tuple[list[list[str]], list[list[str]]] = ([], [])
    messages: list[Message] = []
    number, heard_ns = 39, 0
    for k, (kind, flags, price, lots, ns) in enumerate(
        zip(*(columns[n] for n in ("kind", "flags", "price", "lots", "stamps")), strict=True)
    ):
        ms, level = ns // 1_000_000, [f"{price / 10:.1f}", f"{lots / 1000:.3f}"]
        side = 0 if flags & Flag.BUY else 1
        if flags & Flag.SNAPSHOT:
            sides[side].append(level)
            if flags & Flag.LAST:
                messages += [(ns - 1000, diff(ms - 1, 39, [["1.0", "0"]], [])), (ns + 5_000_000, snapshot(ms, 39, *sides))]
        elif kind == Kind.TRADE:
            messages.append((ns + 2_000_000 + jitter[k], trade(ms, k, *level, sold=side == 1)))
        else:
            heard_ns = max(heard_ns, ns + 5_000_000 + jitter[k])
            number += 1
            messages.append((heard_ns, diff(ms, number, *([level] if s == side else [] for s in (0, 1)))))
    return written(tmp_path_factory.mktemp("capture"), messages)


def at(ns: int) -> int:
    return DAY_MS * 1_000_000 + ns


FEW: list[Message] = [
    (at(1_000_000_000), diff(DAY_MS + 500, 11, [["9.9", "1"]], [])),
    (at(1_010_000_000), snapshot(DAY_MS + 600, 11, [["10.0", "5"], ["9.9", "1.5"]], [["10.25", "2"]])),
    (at(1_020_000_000), trade(DAY_MS + 590, 1, "10.25", "0.5", sold=False)),
    (at(1_020_000_000), {"u": 12, "s": "ABC", "b": "10.0", "B": "5", "a": "10.25", "A": "2"}),
    (at(1_030_000_000), diff(DAY_MS + 700, 12, [["10.0", "0"]], [["10.25", "3"]])),
]


def test_rows_begin_at_the_snapshot_and_keep_both_stamps(tmp_path: Path) -> None:
    spec, arrays = captured(written(tmp_path, FEW))
    buy, sell, first, last = int(Flag.BUY), int(Flag.SELL), int(Flag.SNAPSHOT), int(Flag.LAST)
    assert arrays["kind"].tolist() == [Kind.DEPTH] * 3 + [Kind.TRADE] + [Kind.DEPTH] * 2  # the best quote is left out
    assert arrays["flags"].tolist() == [buy | first | Flag.CLEAR, buy | first, sell | first | last, buy, buy, sell | last]
    assert arrays["price"].tolist() == [1000, 990, 1025, 1025, 1000, 1025]
    assert arrays["lots"].tolist() == [50, 15, 20, 5, 0, 30]
    assert (arrays["stamps"] // 1_000_000 - DAY_MS).tolist() == [600, 600, 600, 590, 700, 700]
    assert (arrays["heard"] // 1_000_000 - DAY_MS).tolist() == [1010, 1010, 1010, 1020, 1030, 1030]
    assert (spec["symbol"], spec["ticks_per_unit"], spec["multiplier"], spec["hours"]) == ("ABC", 100, 0.1, "00:00-00:01")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            (at(1_040_000_000), snapshot(DAY_MS + 800, 12, [["9", "1"]], [])),
            "2 snapshots and 0 gaps; rule: one symbol, one snapshot, no gap",
        ),
        ((at(1_040_000_000), diff(DAY_MS + 800, 14, [["9", "1"]], [])), "1 snapshots and 1 gaps; rule: one symbol"),
        ((at(1_040_000_000), diff(DAY_MS + 699, 13, [["9", "1"]], [])), "venue stamps run backwards; rule: in order"),
        ((at(86_400_000_000_000), diff(DAY_MS + 800, 13, [["9", "1"]], [])), "1440 minutes; rule: at most 1438, one session"),
    ],
)
def test_what_a_peer_would_take_otherwise_is_refused(tmp_path: Path, more: Message, said: str) -> None:
    with pytest.raises(DataError, match=said):
        captured(written(tmp_path, [*FEW, more]))


def test_without_a_capture_the_rows_say_how_to_give_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ONETAPE_CAPTURE", raising=False)
    out = tmp_path / "rows.json"
    shown = CliRunner().invoke(cli.assemble(), ["bench", "W4B", "--peers", "--json", str(out)])
    assert shown.exit_code == 0, shown.output
    rows = json.loads(out.read_text())
    assert [found["engine"] for found in rows] == ["onetape", "onetape", "hftbacktest"]
    assert all(found["parity"].startswith("skipped: no capture was given: --capture FILE or ONETAPE_CAPTURE") for found in rows)


def test_the_capture_is_taken_from_the_command(walk: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engines, "ENVIRONMENTS", tmp_path)
    out = tmp_path / "rows.json"
    shown = CliRunner().invoke(cli.assemble(), ["bench", "W4B", "--repeat", "1", "--capture", str(walk.file), "--json", str(out)])
    assert shown.exit_code == 0, shown.output
    compiled, python = json.loads(out.read_text())
    assert compiled["parity"] == "equal"
    said = python["parity"].removeprefix("equal: has ").split()
    assert said[0] == said[2] and int(said[0]) > 50 and said[3:] == ["fills,", "and", "0", "of", "its", "own"]
    assert compiled["events"] == python["events"] == len(captured(walk)[1]["kind"])


def outcome(work: Work, mode: str = "compiled") -> dict[str, Any]:
    run, read = ours.prepare(work, mode)
    return vars(read(run()))


def test_the_final_equity_is_that_of_the_fills_told(walk: Capture, tmp_path: Path) -> None:
    """Makers fill at stamps of rows, whole milliseconds; takers where their order arrives, 2.3 ms after a tenth of a second."""
    found = outcome(Work(workloads.write("W4B", workloads.SMALL, tmp_path / "W4B", capture=walk)))
    stamps, sides, ticks = np.array(found["told"]).T
    assert min(Counter(sides.tolist()).values()) > 20
    takes = stamps % 1_000_000 != 0
    assert 0 < takes.sum() < len(takes)
    assert set((stamps[takes] % 100_000_000).tolist()) == {2_300_000}
    assert np.abs(np.cumsum(sides)).max() <= 22  # 20, and what filled before we heard of it
    value = ticks * 0.1 * 0.001
    fees = np.where(takes, 2.0, -0.5) * 1e-4 * value
    book = OrderBook()
    book.apply(binance.read(walk.file).events())
    mid = 0.05 * (book.bids(1)[0][0] + book.asks(1)[0][0])
    assert found["equity"] == [pytest.approx(1e6 - float((sides * value + fees).sum()) + float(sides.sum()) * 0.001 * mid, abs=1e-6)]


def same_fills_as_hftbacktest(folder: Path, capture: Capture) -> int:
    """How many fills both have, after asserting that they are the same."""
    written_to = workloads.write("W4B", workloads.SMALL, folder / "W4B", capture=capture)
    [peer] = [contender for contender in engines.PEERS if contender.workload == "W4B"]
    theirs = measure.run(peer, written_to, 0)
    if isinstance(theirs, Skipped):
        pytest.skip(theirs.reason)
    mine = outcome(Work(written_to))
    assert sorted(map(tuple, theirs["told"])) == sorted(map(tuple, mine["told"]))
    assert theirs["equity"] == [pytest.approx(mine["equity"][0], abs=1e-6)]
    return len(mine["told"])


def test_hftbacktest_fills_the_same_on_a_made_capture(walk: Capture, tmp_path: Path) -> None:
    assert same_fills_as_hftbacktest(tmp_path, walk) > 50


@pytest.mark.parametrize(
    ("name", "offset_ns", "fills"),
    [
        ("usdm/btcusdt_20240808.gz", 1_272_402_468, 566),
        ("spot/btcusdt_20240808.gz", 1_274_761_454, 401),
        ("cm/btcusd_perp_20240808.gz", 1_267_953_940, 262),
    ],
)
def test_hftbacktest_fills_the_same_on_real_captures(tmp_path: Path, name: str, offset_ns: int, fills: int) -> None:
    shared = Path(os.environ.get("ONETAPE_SHARED", Path(__file__).parents[3] / "shared")) / "data/05_l2_l3_books/hftbacktest"
    if not shared.is_dir():
        pytest.skip("the developers' market data are not here: set ONETAPE_SHARED to their folder")
    assert same_fills_as_hftbacktest(tmp_path, Capture(shared / name, offset_ns)) == fills


def test_other_fills_differ_even_where_the_money_agrees(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text(json.dumps({"workload": "W4B", "cash": 1000.0, "limited": []}))
    told = [[1, 1, 100], [2, -1, 101]]
    answers = {
        engines.ours("W4B", mode): {"equity": [1001.0], "fills": 2, "events": 9, "told": fills}
        for mode, fills in (("first", told), ("same", told[::-1]), ("other", [[1, 1, 100], [3, -1, 101]]))
    }
    assert list(measure._verdicts(answers, tmp_path).values()) == [  # type: ignore[arg-type]
        *("equal", "equal: has 2 of 2 fills, and 0 of its own", "DIFFERS: has 1 of 2 fills, and 1 of its own")
    ]
