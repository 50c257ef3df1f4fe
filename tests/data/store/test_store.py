"""What is imported comes back bit for bit, whole or in part, and only what is asked for is read."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from framework.data.reference.hours import WeeklyHours
from framework.data.store import catalog, write
from framework.data.store.read import open_dataset
from framework.data.store.root import root_of
from framework.data.store.tapes import cache_folder
from framework.data.tape.recording import Recording
from framework.errors import DataError
from framework.schema.event import EVENT, NO_INSTRUMENT, Kind
from framework.schema.instrument import Instrument
from tests.data.store.market import HOUR, INSTRUMENTS, T0, as_rows, by_hand, events, recording


def keep(root: object, name: str = "made", **options: object) -> None:
    settings = {"licence": "none", "buffer_events": 700, **options}
    write.import_recording(name, recording(), root=root, **settings)  # type: ignore[arg-type]


def read(root: object, name: str = "made", **question: object) -> np.ndarray:
    parts = list(catalog.open(name, root=root, **question).parts())  # type: ignore[arg-type]
    return np.concatenate(parts)


@pytest.mark.parametrize("partition_by", ["day", "month", "year"])
@pytest.mark.parametrize("buffer_events", [1, 50, 100_000])
def test_every_bit_comes_back_in_the_order_of_a_tape(tmp_path: Path, partition_by: str, buffer_events: int) -> None:
    made = events(600)
    write.import_recording(
        "made", recording(made, 37), root=tmp_path, licence="none", partition_by=partition_by, buffer_events=buffer_events  # type: ignore[arg-type]
    )  # fmt: skip
    assert as_rows(read(tmp_path)) == by_hand(made)
    assert catalog.check("made", tmp_path) == []


def test_the_tape_is_that_of_the_recording(tmp_path: Path) -> None:
    keep(tmp_path)
    assert catalog.load("made", root=tmp_path).digest() == recording().tape().digest()
    assert catalog.open("made", root=tmp_path).instruments == (INSTRUMENTS[1], INSTRUMENTS[0])


def test_the_manifest_says_what_is_in_it(tmp_path: Path) -> None:
    keep(tmp_path, created="2024-05-01T00:00:00Z", made_by="test", repairs=("one row",))
    words = json.loads((tmp_path / "made@1" / "manifest.json").read_text())
    made = events()
    kinds, counts = np.unique(made["kind"], return_counts=True)
    assert words["kinds"] == {Kind(int(kind)).name: int(count) for kind, count in zip(kinds, counts, strict=True)}
    assert (words["rows"], words["first_ns"], words["last_ns"]) == (6000, int(made["ts_local_ns"].min()), int(made["ts_local_ns"].max()))
    assert words["provenance"] == {"source": "made up", "made_by": "test", "licence": "none"}
    assert (words["schema_version"], words["created"], words["repairs"], words["notes"]) == (
        1,
        "2024-05-01T00:00:00Z",
        ["one row"],
        ["Made up."],
    )
    assert words["instruments"][1]["lot"] == "1/1000"
    assert sum(p["rows"] for p in words["partitions"] if p["symbol"] == "BTC") == int((made["instrument"] == 1).sum())
    files = {str(path.relative_to(tmp_path / "made@1")) for path in (tmp_path / "made@1").rglob("*.parquet")}
    assert files == {p["path"] for p in words["partitions"]}
    assert any(path.startswith("instrument=ETH%2FUSDT%3AUSDT/2024-02-") for path in files)


def test_a_part_of_the_time_reads_a_part_of_the_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_MOST_GROUP_ROWS", 100)
    monkeypatch.setattr(write, "_LEAST_GROUP_ROWS", 100)
    keep(tmp_path, buffer_events=100_000)
    start, end = T0 + 700 * HOUR, T0 + 710 * HOUR
    dataset = open_dataset(root_of(tmp_path), "made", instruments=["BTC"], start=start, end=end)
    found = np.concatenate(list(dataset.parts()))
    inside = [row for row in by_hand(events()) if start <= row[0] <= end and row[4] in (0, NO_INSTRUMENT)]
    assert as_rows(found) == inside
    in_all = sum(pq.ParquetFile(tmp_path / "made@1" / p.path).num_row_groups for p in dataset.manifest.partitions)
    in_january = [p for p in dataset.manifest.partitions if p.symbol == "BTC" and "/2024-01-" in p.path]
    stamps = events()["ts_local_ns"][(events()["instrument"] == 1) & (events()["ts_local_ns"] < T0 + 744 * HOUR)]
    groups = [stamps[begin : begin + 100] for begin in range(0, len(stamps), 100)]
    expected = sum(int(group[0]) <= end and int(group[-1]) >= start for group in groups)
    nobody = sum(p.symbol == "" and p.first_ns <= end and p.last_ns >= start for p in dataset.manifest.partitions)
    assert len(in_january) == 1
    assert dataset.work.row_groups == expected + nobody <= 3 < in_all


def test_kinds_and_instruments(tmp_path: Path) -> None:
    keep(tmp_path)
    trades = read(tmp_path, kinds=["trade"], instruments=["ETH/USDT:USDT"])
    expected = [row for row in by_hand(events(), (0, 1)) if row[2] == Kind.TRADE and row[4] == 0]
    assert as_rows(trades) == expected
    tape = catalog.load("made", root=tmp_path, kinds=[Kind.TRADE], start="2024-01-05", end="2024-01-09")
    assert set(tape.events["kind"]) == {Kind.TRADE, Kind.SESSION}
    assert catalog.load("made", root=tmp_path, instruments=["BTC"], start="2024-01-05").digest() == recording().tape().select(
        ["BTC"], "2024-01-05"
    ).digest()  # fmt: skip


def test_what_does_not_exist_names_the_nearest(tmp_path: Path) -> None:
    keep(tmp_path)
    with pytest.raises(DataError, match=r"Did you mean made\?"):
        catalog.open("mad", root=tmp_path)
    with pytest.raises(DataError, match=r"has no version '2'. There are: made@1"):
        catalog.open("made@2", root=tmp_path)
    with pytest.raises(DataError, match="has no instrument 'BTCC'. Did you mean BTC"):
        catalog.open("made", root=tmp_path, instruments=["BTCC"])
    with pytest.raises(DataError, match="instruments = 'BTC': must be a list of symbols"):
        catalog.open("made", root=tmp_path, instruments="BTC")
    with pytest.raises(DataError, match="kind 'trades' is unknown. Did you mean TRADE"):
        catalog.open("made", root=tmp_path, kinds=["trades"])
    with pytest.raises(DataError, match="no such events of BTC in the range asked for; it holds 2024-01-01"):
        catalog.load("made", root=tmp_path, instruments=["BTC"], kinds=["bar"])


def test_a_new_import_is_a_new_version_and_numbers_are_not_used_again(tmp_path: Path) -> None:
    keep(tmp_path)
    before = (tmp_path / "made@1" / "manifest.json").read_bytes()
    write.import_recording("made", recording(events(100)), root=tmp_path, licence="none")
    assert (tmp_path / "made@1" / "manifest.json").read_bytes() == before
    assert (catalog.versions("made", tmp_path), len(read(tmp_path)), len(read(tmp_path, "made@1"))) == ([1, 2], 100, 6000)
    assert catalog.remove("made", tmp_path) == "made@2"
    assert sorted(os.listdir(tmp_path)) == ["made@1", "made@2.removed"]
    write.import_recording("made", recording(events(50)), root=tmp_path, licence="none")
    assert catalog.versions("made", tmp_path) == [1, 3]


@pytest.mark.parametrize("name", ["a/b", "x@1", "", "x.csv", ".x", "us_equities_daily"])
def test_a_name_that_cannot_be(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="rule: "):
        catalog.import_recording(name, recording(), root=tmp_path, licence="none")
    assert os.listdir(tmp_path) == []


def spoilt(field: str, value: int) -> np.ndarray:
    made = events(20)
    made[field][7] = value
    return made


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (spoilt("ts_local_ns", 5), "part 0, row 7, column ts_local_ns: 5; rule: stamps do not run backwards"),
        (spoilt("ts_venue_ns", 2**62), "row 7, column ts_local_ns.*nothing is known before it happens; ts_venue_ns 4611686018427387904"),
        (spoilt("instrument", 2), "row 7, column instrument: 2; rule: .* of which there are 2"),
        (spoilt("kind", Kind.SESSION), "row 7, column kind: 9"),
        (np.zeros(0, EVENT), "no events"),
    ],
)
def test_events_that_cannot_be(made: np.ndarray, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        catalog.import_recording("made", recording(made), root=tmp_path, licence="none")
    assert catalog.versions("made", tmp_path) == []


def test_a_part_that_begins_before_the_last_one_ended(tmp_path: Path) -> None:
    late, early = events(20)[10:], events(20)[:10]
    with pytest.raises(DataError, match="part 1, row 0, column ts_local_ns"):
        catalog.import_recording("made", Recording(INSTRUMENTS, lambda: iter([late, early]), "x"), root=tmp_path, licence="none")


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_damage_is_found_and_named(tmp_path: Path) -> None:
    keep(tmp_path, buffer_events=100_000)
    january = tmp_path / "made@1" / "instrument=BTC" / "2024-01-0000.parquet"
    flip(january, january.stat().st_size // 3)
    february = january.with_name("2024-02-0000.parquet")
    february.rename(tmp_path / "elsewhere")
    (january.parent / "more.parquet").touch()
    wrong = catalog.check("made", tmp_path)
    assert len(wrong) == 3
    assert wrong[0].startswith("made@1/instrument=BTC/2024-01-0000.parquet: checksum ")
    assert wrong[1] == "made@1/instrument=BTC/2024-02-0000.parquet: the partition is missing"
    assert wrong[2].endswith("more.parquet: is not in the manifest")
    with pytest.raises(DataError, match=r"2024-01-0000.parquet: damaged"):
        read(tmp_path)
    with pytest.raises(DataError, match=r"2024-02-0000.parquet: the partition is missing"):
        read(tmp_path, start="2024-02-05")


def test_a_manifest_of_another_schema_or_edited(tmp_path: Path) -> None:
    keep(tmp_path)
    path = tmp_path / "made@1" / "manifest.json"
    text = path.read_text()
    path.write_text(text.replace('"schema_version": 1', '"schema_version": 7'))
    with pytest.raises(DataError, match="schema version 7, this onetape reads 1"):
        catalog.open("made", root=tmp_path)
    path.write_text(text.replace('"licence": "none"', '"licence": "mine"'))
    with pytest.raises(DataError, match="does not match its digest"):
        catalog.open("made", root=tmp_path)
    path.write_text(text[:200])
    with pytest.raises(DataError, match="not a manifest"):
        catalog.open("made", root=tmp_path)


def test_a_long_tape_is_mapped_and_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONETAPE_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "root"
    keep(root)
    expected = recording().tape()
    for _ in range(2):
        tape = catalog.load("made", root=root, in_memory_events=100)
        assert (tape.digest(), tape.calendars, tape.currencies) == (expected.digest(), expected.calendars, expected.currencies)
    [path] = cache_folder().glob("*.npy")
    assert np.array_equal(np.load(path), expected.events)
    made = path.stat().st_mtime_ns
    catalog.load("made", root=root, in_memory_events=100)
    assert path.stat().st_mtime_ns == made
    flip(path, 10_000)
    assert catalog.load("made", root=root, in_memory_events=100).digest() == expected.digest()  # made again
    catalog.remove("made", root)
    assert list(cache_folder().iterdir()) == []


def test_a_market_that_is_closed_at_first_and_has_breaks(tmp_path: Path) -> None:
    made = np.zeros(4, EVENT)
    made["kind"], made["w0"] = Kind.TRADE, 1
    made["ts_local_ns"] = made["ts_venue_ns"] = T0 + 24 * HOUR + np.array([0, 2, 6, 9]) * HOUR  # 2024-01-02; Hong Kong opens at 01:30 UTC
    recorded = Recording((Instrument("X", calendar="XHKG"),), lambda: iter([made]), "x")
    catalog.import_recording("hk", recorded, root=tmp_path, licence="none")
    tape = catalog.load("hk", root=tmp_path)
    assert tape.digest() == recorded.tape().digest()
    # last year's close, a trade, the open, a trade, lunch at 04:00 and its end at 05:00, a trade, the close at 08:00, a trade
    assert [int(kind) for kind in tape.events["kind"]] == [9, 3, 9, 3, 9, 9, 3, 9, 3]


def test_a_mapped_tape_is_made_again_when_the_hours_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONETAPE_CACHE", str(tmp_path / "cache"))
    hours = tmp_path / "hours.yaml"
    made = np.zeros(1, EVENT)
    made["kind"], made["w0"], made["ts_local_ns"] = Kind.TRADE, 1, T0 + 12 * HOUR  # a Monday
    recorded = Recording((Instrument("X", calendar=str(hours)),), lambda: iter([made]), "x")
    closes = []
    for close in (16, 17):
        WeeklyHours("UTC", {"monday": [f"09:00-{close}:00"]}).save(hours)
        if close == 16:
            catalog.import_recording("own", recorded, root=tmp_path / "root", licence="none")
        tape = catalog.load("own", root=tmp_path / "root", in_memory_events=0)
        closes.append(int(tape.sessions[str(hours)][1][0]) - T0)
    assert closes == [16 * HOUR, 17 * HOUR]


def test_bars_of_a_calendar_of_bars(tmp_path: Path) -> None:
    bars = events(60)
    bars["kind"], bars["instrument"] = Kind.BAR, 0
    bars = bars[np.unique(bars["ts_local_ns"], return_index=True)[1]]
    made = Recording((Instrument("DAILY", calendar="bars"),), lambda: iter([bars]), "bars")
    catalog.import_recording("daily", made, root=tmp_path, licence="none", partition_by="year")
    assert catalog.load("daily", root=tmp_path).digest() == made.tape().digest()


@pytest.mark.parametrize("sort", ["url", "subtree"])
def test_a_url_and_a_file_system(tmp_path: Path, sort: str) -> None:
    root = tmp_path.as_uri() if sort == "url" else fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    keep(root)
    assert as_rows(read(root)) == by_hand(events())
    assert catalog.names(root)[-1] == "made"
    assert catalog.check("made", root) == []
    assert not (tmp_path / "made@1" / "journal").exists()
    catalog.remove("made", root)
    assert sorted(os.listdir(tmp_path)) == ["made@1.removed"]


def test_the_setting_and_backtest_find_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from framework.data.readers import read_bars

    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    keep(None)
    assert catalog.names()[0] == "us_equities_daily"
    assert catalog.names()[-1] == "made"
    assert read_bars("made@1", instruments=["BTC"]).instruments == (INSTRUMENTS[1],)
    assert "Version 1." in catalog.describe("made")


def test_embedded_datasets_open_too() -> None:
    found = catalog.open("us_equities_daily", instruments=["IBM"], kinds=["dividend"])
    assert set(found.events()["kind"]) == {Kind.DIVIDEND}
    with pytest.raises(DataError, match="is embedded in a package"):
        catalog.manifest("us_equities_daily")


def test_instruments_keep_all_their_terms(tmp_path: Path) -> None:
    odd = replace(INSTRUMENTS[0], calendar="XNYS", bar_interval_ns=7, multiplier=0.1 + 0.2)
    made = events(10)
    made["instrument"] = 0
    catalog.import_recording("odd", Recording((odd,), lambda: iter([made]), "x"), root=tmp_path, licence="none")
    assert catalog.manifest("odd", tmp_path).instruments == (odd,)
