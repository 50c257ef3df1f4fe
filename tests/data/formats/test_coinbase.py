"""Coinbase captures, by hand and real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from framework.data.formats import coinbase
from framework.data.series.book_replay import check_books
from framework.errors import DataError
from framework.schema.event import Flag, Kind

BUY, SELL, LAST, SNAPSHOT, CLEAR = (int(flag) for flag in (Flag.BUY, Flag.SELL, Flag.LAST, Flag.SNAPSHOT, Flag.CLEAR))
MATCH = {"type": "match", "trade_id": 8, "side": "sell", "size": "0.5", "price": "2.1", "product_id": "A-B", "sequence": 70}
TIME = "2021-04-17T16:43:36.5Z"
MESSAGES: list[dict[str, Any]] = [
    {"type": "last_match", "trade_id": 7, "product_id": "A-B"},
    {"type": "snapshot", "product_id": "A-B", "bids": [["2.0", "1.5"]], "asks": [["2.1", "3.0"], ["2.2", "1"]]},
    {"type": "l2update", "product_id": "A-B", "changes": [["sell", "2.1", "2.5"], ["buy", "2.05", "1"]], "time": TIME},
    {**MATCH, "time": TIME},
]


def written(folder: Path, messages: list[dict[str, Any]]) -> Path:
    path = folder / "capture"
    path.write_text("".join(f"{1618677817 + k}.25: {json.dumps(message)}\n" for k, message in enumerate(messages)))
    return path


def test_messages_as_events(tmp_path: Path) -> None:
    found = coinbase.read(written(tmp_path, MESSAGES)).events()
    rows = [tuple(int(row[name]) for name in ("kind", "flags", "w0", "w1", "w2", "w3", "w4")) for row in found]
    assert rows == [
        (Kind.DEPTH, BUY | SNAPSHOT | CLEAR, 200, 15, 0, 0, 0),
        (Kind.DEPTH, SELL | SNAPSHOT, 210, 30, 0, 0, 0),
        (Kind.DEPTH, SELL | SNAPSHOT | LAST, 220, 10, 0, 1, 0),
        (Kind.DEPTH, BUY, 205, 10, 0, -1, 0),
        (Kind.DEPTH, SELL | LAST, 210, 25, 0, -1, 0),
        (Kind.TRADE, BUY, 210, 5, 8, 0, 70),  # the maker sold: the buyer took
    ]
    assert int(found["ts_venue_ns"][-1]) == 1618677816_500000000
    assert int(found["ts_local_ns"][-1]) == 1618677820_250000000


def test_a_break_in_the_trade_ids_is_a_gap(tmp_path: Path) -> None:
    recording = coinbase.read(written(tmp_path, [*MESSAGES, {**MATCH, "trade_id": 10, "time": TIME}]))
    gap, trade = recording.events()[-2:]
    assert (int(gap["kind"]), int(gap["w0"]), int(gap["w1"]), int(trade["w2"])) == (Kind.GAP, 9, 10, 10)
    [check] = check_books(recording)
    assert check.gaps == 1


@pytest.mark.parametrize("wrong", [{**MESSAGES[2], "changes": [["bid", "2", "1"]]}, {**MATCH, "side": "bid", "time": TIME}])
def test_sides_that_are_none(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="capture, line 5: side 'bid'"):
        coinbase.read(written(tmp_path, [*MESSAGES, wrong]))


def test_a_time_without_its_zone(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 1: ValueError time .*, not 2021-10-12T00:28:10.5Z"):
        coinbase.read(written(tmp_path, [{**MATCH, "time": "2021-04-17T16:43:36"}]))


def test_a_real_capture_has_no_gap_and_no_crossed_book(shared: Path) -> None:
    path = shared / "05_l2_l3_books" / "cryptofeed" / "COINBASE.ws.28.0.gz"
    recording = coinbase.read(path, clock_offset_ns=20_000_000)
    checks = check_books(recording)
    assert len(checks) == 10
    assert sum(check.messages for check in checks) == 9719 + 10  # counted with grep: updates and snapshots
    assert {(check.unknown, check.gaps, check.crossed) for check in checks} == {(0, 0, 0)}
