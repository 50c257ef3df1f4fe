"""Side records: kept beside events by their number, in audits, tapes and files, and never without a rule for their texts."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.data.store.tape_file import load_tape, save_tape
from framework.data.tape import build
from framework.data.tape.own_events import add_events, custom_events
from framework.engine.audit import MAGIC, read, read_sides
from framework.errors import DataError, InputError
from framework.schema.codec import from_parquet, sides_from_parquet, to_frame, to_parquet
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.side import LONGEST_TEXT_BYTES, SideRecord, SideRecords, cleaned

DAYS = pd.date_range("2024-01-02", periods=3, freq="D", tz="UTC")
BARS = pd.DataFrame({"open": 5.0, "high": 6.0, "low": 4.0, "close": 5.0, "volume": 100.0}, index=DAYS)
ONE = SideRecord(venue_id="A-1", execution_id="E/7", text="fill “partial” \n\t é 漢 😀", who="desk", why="")
TWO = SideRecord(why="the statement says so")


class Buys(Strategy):
    def on_bar(self, view: Any, bar: Any) -> None:
        view.buy(bar.instrument, 1)


def pairs(sides: SideRecords) -> list[tuple[int, SideRecord]]:
    return list(sides)


def with_two() -> SideRecords:
    sides = SideRecords()
    sides.add(1, ONE)
    sides.add(3, TWO)
    return sides


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\0b", "text: a NUL at character 1; rule: none"),
        ("ab\ud800", "text: a lone surrogate at character 2; rule: none"),
        ("x" * (LONGEST_TEXT_BYTES + 1), "text: 65,537 bytes; rule: at most 65,536"),
        ("é" * (LONGEST_TEXT_BYTES // 2 + 1), "text: 65,538 bytes; rule"),
        (b"bytes", "must be text, not bytes"),
        (7, "must be text, not int"),
    ],
)
def test_hostile_texts_are_refused(text: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SideRecord(text=text)


@pytest.mark.parametrize("text", ["a\0b", "ab\ud800", "\udfff\ud800", "x" * 1_000_000, "é" * 1_000_000, "a" + "😀" * 300_000, ""])
def test_cleaned_texts_are_kept(text: str) -> None:
    kept = SideRecord(text=cleaned(text)).text
    assert len(kept.encode()) <= LONGEST_TEXT_BYTES and kept[:1] == (text[:1] if "\ud800" not in text[:2] else kept[:1])
    assert cleaned(kept) == kept
    assert kept.endswith("...") == (len(text) > 300_000)


def test_what_is_held_is_bounded_and_the_rest_comes_back_from_a_file() -> None:
    sides = SideRecords(held_bytes=10_000)
    written = [(row // 2, SideRecord(text=f"{row} " + "x" * (row % 700), who=str(row))) for row in range(5_000)]
    for row, side in written:
        sides.add(row, side)
        assert len(sides._held) <= 10_000
    assert len(sides) == 5_000 and pairs(sides) == written and pairs(sides) == written
    for again in (copy.deepcopy(sides), pickle.loads(pickle.dumps(sides))):
        assert pairs(again) == written
    sides.add(2_500, TWO)
    assert pairs(sides)[-1] == (2_500, TWO)


def test_side_records_come_in_the_order_of_their_events() -> None:
    sides = with_two()
    with pytest.raises(InputError, match="event 2 after one of event 3"):
        sides.add(2, ONE)
    with pytest.raises(InputError, match="event -1"):
        SideRecords().add(-1, ONE)


def test_an_audit_keeps_them_and_one_without_is_the_file_it_always_was(tmp_path: Path) -> None:
    result = backtest(Buys(), {"X": BARS})
    audit = result.audit
    plain, digest = audit.save(tmp_path / "plain").read_bytes(), audit.digest
    assert plain.startswith(MAGIC) and pairs(read_sides(tmp_path / "plain")) == []
    assert "venue_id" not in audit.to_frame()
    for row, side in with_two():
        audit.sides.add(row, side)
    assert audit.digest == digest  # they decide nothing
    header, records = read(audit.save(tmp_path / "sided"))
    assert header == audit.header and records.tobytes() == audit.records.tobytes()
    assert pairs(read_sides(tmp_path / "sided")) == pairs(audit.sides)
    frame = audit.to_frame()
    assert frame["venue_id"].tolist()[:4] == ["", "A-1", "", ""] and frame["why"][3] == TWO.why
    assert pd.read_parquet(audit.to_parquet(tmp_path / "p.parquet"))["text"][1] == ONE.text
    copied = pickle.loads(pickle.dumps(audit))
    assert pairs(copied.sides) == pairs(audit.sides) and copied.digest == digest


def test_a_changed_or_cut_file_is_refused(tmp_path: Path) -> None:
    audit = backtest(Buys(), {"X": BARS}).audit
    audit.sides.add(0, ONE)
    data = audit.save(tmp_path / "a").read_bytes()
    place = tmp_path / "b"
    for cut in (data[:-1], data[:-40], data[:20], data.replace(b"A-1", b"A-2")):
        place.write_bytes(cut)
        with pytest.raises(DataError):
            read_sides(place)
    for bad in (b"\0" * 7, b"\1" * 40, next(iter(with_two().encoded()))[:-1]):
        with pytest.raises(DataError):
            SideRecords.decoded(bad, "here")


def test_events_go_to_parquet_and_frames_with_their_sides(tmp_path: Path) -> None:
    events = np.zeros(5, EVENT)
    events["kind"], events["w0"] = Kind.CUSTOM, np.arange(5)
    path = to_parquet(events, tmp_path / "e.parquet", with_two())
    assert from_parquet(path).tobytes() == events.tobytes() and pairs(sides_from_parquet(path)) == pairs(with_two())
    assert to_frame(events, with_two())["who"].tolist() == ["", "desk", "", "", ""]
    with pytest.raises(InputError, match="event 3, but there are 2 events"):
        to_frame(events[:2], with_two())
    both = SideRecords()
    both.add(0, SideRecord(who="a"))
    both.add(0, SideRecord(who="b", why="c"))
    assert to_frame(events, both)[["who", "why"]].iloc[0].tolist() == ["a | b", "c"]


def test_a_tape_keeps_them_beside_their_events(tmp_path: Path) -> None:
    extra = np.zeros(3, EVENT)
    extra["kind"], extra["instrument"] = Kind.CUSTOM, 0
    extra["ts_local_ns"] = extra["ts_venue_ns"] = [DAYS[2].value, DAYS[0].value, DAYS[1].value]
    extra["w0"] = [30, 10, 20]
    sides = SideRecords()
    sides.add(0, SideRecord(text="thirty"))
    sides.add(2, SideRecord(text="twenty"))
    instruments = {"X": Instrument("X", account="main", product="P"), "Y": Instrument("Y")}
    tape = build({"X": BARS, "Y": BARS}, instruments, extra=extra, sides=sides)

    def told(tape: Any) -> dict[int, str]:
        return {int(tape.events["w0"][row]): side.text for row, side in tape.sides}

    assert told(tape) == {20: "twenty", 30: "thirty"}
    assert tape.digest() == build({"X": BARS, "Y": BARS}, instruments, extra=extra).digest()
    assert told(tape.select(["X"])) == {20: "twenty", 30: "thirty"} and told(tape.select(["Y"])) == {}
    assert told(tape.select(end=DAYS[1].isoformat())) == {20: "twenty"}
    assert told(add_events(tape, custom_events(tape, pd.DataFrame({"number": [5]}, index=DAYS[:1])))) == told(tape)
    again = load_tape(save_tape(tape, tmp_path / "tape.parquet"))
    assert again.digest() == tape.digest() and pairs(again.sides) == pairs(tape.sides) and again.instruments == tape.instruments
    assert backtest(Buys(), again).audit_hash == backtest(Buys(), tape).audit_hash
    with pytest.raises(DataError, match="it says nothing of a tape"):
        load_tape(to_parquet(tape.events, tmp_path / "events.parquet"))
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "tape.parquet").read_bytes()[:-9])
    with pytest.raises(DataError, match=r"cut\.parquet"):
        load_tape(tmp_path / "cut.parquet")
