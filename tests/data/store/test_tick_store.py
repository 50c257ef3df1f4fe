"""One suite for every store of ticks: what was appended comes back bit for bit, once, in the order of a tape, whatever was killed."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framework.data.store import catalog, segment_files
from framework.data.store.port import Position, TickStore
from framework.data.store.ticks import open_store
from framework.errors import DataError, StoreLost
from framework.schema.event import NO_INSTRUMENT, Kind
from framework.schema.instrument import Instrument
from tests.data.store.market import HOUR, INSTRUMENTS, T0, as_rows, by_hand, events

Open = Callable[[], TickStore]
SIZE = 100


SORTS = ["segments", pytest.param("postgresql", marks=pytest.mark.extra(name="postgres"))]


@pytest.fixture(params=SORTS)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], TickStore]]:
    """Opens the same store again and again."""
    where = "ticks" if request.param == "segments" else request.getfixturevalue("database")()
    stores: list[TickStore] = []

    def open_again() -> TickStore:
        stores.append(open_store(where, tmp_path))
        return stores[-1]

    yield open_again
    for store in stores:
        store.close()


def batches(made: np.ndarray, size: int = SIZE) -> list[np.ndarray]:
    return [made[begin : begin + size] for begin in range(0, len(made), size)]


def record(store: TickStore, made: np.ndarray, stream: str = "feed", instruments: Any = INSTRUMENTS) -> None:
    for number, batch in enumerate(batches(made), start=1):
        assert store.append(stream, number, batch, instruments)


def read(store: TickStore, **question: Any) -> np.ndarray:
    return np.concatenate([*store.read(**question).parts(), np.zeros(0, events(1).dtype)])


def test_every_bit_comes_back_in_the_order_of_a_tape(opened: Open) -> None:
    made = events(6000)
    record(opened(), made)
    store = opened()
    assert as_rows(read(store)) == by_hand(made)
    assert store.read().instruments == store.instruments() == (INSTRUMENTS[1], INSTRUMENTS[0])
    assert store.streams() == ["feed"]


def test_nothing_is_kept_yet(opened: Open) -> None:
    store = opened()
    assert (store.streams(), store.instruments(), store.position("feed"), len(read(store))) == ([], (), Position(), 0)


def test_streams_are_merged_by_stamp_rank_symbol_and_name(opened: Open) -> None:
    made, store = events(3000), opened()
    mine = np.random.default_rng(5).integers(0, 3, len(made))
    for stream in (2, 0, 1):  # neither the order of recording nor that of names
        record(store, made[mine == stream], ("store.json", "a.lock", "b")[stream])  # names of which no file may think
    assert store.streams() == ["a.lock", "b", "store.json"]
    stacked = np.concatenate([made[mine == stream] for stream in (1, 2, 0)])
    assert as_rows(read(store)) == by_hand(stacked)


def test_the_order_of_instruments_given_does_not_matter(opened: Open) -> None:
    store, made = opened(), events(500)
    for number, batch in enumerate(batches(made), start=1):
        turned = batch.copy()
        turned["instrument"] = np.where(batch["instrument"] == NO_INSTRUMENT, NO_INSTRUMENT, 1 - batch["instrument"])
        if number % 2:
            assert store.append("feed", number, turned, INSTRUMENTS[::-1])
        else:
            assert store.append("feed", number, batch, (*INSTRUMENTS, Instrument("SILENT")))
        assert not store.append("feed", number, batch, INSTRUMENTS)
    assert as_rows(read(store, instruments=["BTC", "ETH/USDT:USDT"])) == by_hand(made)
    assert [one.symbol for one in store.instruments()] == ["BTC", "ETH/USDT:USDT", "SILENT"]


def test_a_part_of_it(opened: Open) -> None:
    made, store = events(3000), opened()
    record(store, made)
    start, end = T0 + 300 * HOUR, T0 + 600 * HOUR
    inside = [row for row in by_hand(made) if start <= row[0] <= end]
    assert as_rows(read(store, start=start, end=end)) == inside
    trades = [row for row in by_hand(made, (1, 0)) if row[2] == Kind.TRADE and row[4] == 0]
    assert as_rows(read(store, kinds=["trade"], instruments=["BTC"])) == trades
    own = [(*row[:4], row[4] if row[4] == NO_INSTRUMENT else 0, *row[5:]) for row in by_hand(made) if row[4] != 0]
    assert as_rows(read(store, instruments=["ETH/USDT:USDT"])) == own
    with pytest.raises(DataError, match="has no instrument 'BTCC'. Did you mean BTC"):
        store.read(instruments=["BTCC"])
    with pytest.raises(DataError, match="instruments = 'BTC': must be a list of symbols"):
        store.read(instruments="BTC")
    with pytest.raises(DataError, match="kind 'trades' is unknown"):
        store.read(kinds=["trades"])


def test_a_batch_comes_again(opened: Open) -> None:
    made, store = events(400), opened()
    first, second, third, fourth = batches(made)
    assert [store.append("feed", number, batch, INSTRUMENTS) for number, batch in ((1, first), (1, first), (2, second))] == [
        True,
        False,
        True,
    ]
    assert not opened().append("feed", 1, first, INSTRUMENTS)
    with pytest.raises(DataError, match="stream 'feed', batch 2: was kept before with other events"):
        store.append("feed", 2, third, INSTRUMENTS)
    with pytest.raises(
        DataError, match="stream 'feed', batch 4: the last one kept is 2; rule: numbers have no holes. Append batch 3 first"
    ):
        store.append("feed", 4, fourth, INSTRUMENTS)
    with pytest.raises(DataError, match=f"row 0, column ts_local_ns: .* not before the stream's last event, {second['ts_local_ns'][-1]}"):
        store.append("feed", 3, first, INSTRUMENTS)
    assert as_rows(read(store)) == by_hand(made[:200])


def test_where_a_stream_stands(opened: Open) -> None:
    made = events(1000)
    record(opened(), made)
    found = opened().position("feed")
    last = {symbol: int(made["ts_local_ns"][made["instrument"] == k].max()) for symbol, k in (("ETH/USDT:USDT", 0), ("BTC", 1))}
    nobody = {"": int(made["ts_local_ns"][made["instrument"] == NO_INSTRUMENT].max())}
    assert found == Position(10, 1000, last | nobody)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stream": "a/b"}, "stream 'a/b'; rule: up to 100 letters"),
        ({"number": 0}, "batch 0; rule: batches count from 1"),
        ({"events": events(1)[:0]}, "0 events; rule: 1 to 2,000,000"),
        ({"events": np.zeros(2_000_001, events(1).dtype)}, "2000001 events; rule: 1 to 2,000,000"),
        ({"events": events(50)[::-1]}, "row 1, column ts_local_ns.*stamps do not run backwards"),
        ({"instruments": INSTRUMENTS[:1]}, "column instrument: 1; rule: a position among the instruments, of which there are 1"),
        ({"instruments": (INSTRUMENTS[1], INSTRUMENTS[1])}, "instrument 'BTC' comes twice"),
        ({"instruments": (INSTRUMENTS[0], replace(INSTRUMENTS[1], multiplier=7.0))}, "BTC is .*it was registered as .*another symbol"),
    ],
)
def test_what_cannot_be_appended(opened: Open, change: dict[str, Any], message: str) -> None:
    store, made = opened(), events(200)
    store.append("other", 1, made, INSTRUMENTS)
    given = {"stream": "feed", "number": 1, "events": made, "instruments": INSTRUMENTS, **change}
    with pytest.raises(DataError, match=message):
        store.append(**given)
    assert store.position("feed") == Position()
    assert as_rows(read(store)) == by_hand(made)


def test_a_reader_sees_the_batches_of_its_beginning(opened: Open) -> None:
    made, store = events(900), opened()
    for number, batch in enumerate(batches(made)[:4], start=1):
        store.append("feed", number, batch, INSTRUMENTS)
    recording = opened().read()
    under_way = recording.parts()
    seen = [next(under_way)]
    for number, batch in enumerate(batches(made)[4:], start=5):
        assert store.append("feed", number, batch, INSTRUMENTS)  # a reader keeps nobody waiting
    seen += under_way
    assert as_rows(np.concatenate(seen)) == by_hand(made[:400])
    assert as_rows(np.concatenate(list(recording.parts()))) == by_hand(made)


def test_a_reader_that_stops_early_leaves_nothing_behind(opened: Open) -> None:
    store, made = opened(), events(600)
    record(store, made)
    for _ in range(30):  # more often than there are connections
        parts = store.read().parts()
        next(parts)
        parts.close()  # type: ignore[attr-defined]
    assert as_rows(read(store)) == by_hand(made)


def test_it_becomes_a_dataset(opened: Open, tmp_path: Path) -> None:
    made, store = events(), opened()
    record(store, made)
    kept = catalog.import_recording("made", store.read(), root=tmp_path, licence="none")
    assert (kept.rows, catalog.check("made", tmp_path)) == (6000, [])
    assert as_rows(np.concatenate(list(catalog.open("made", root=tmp_path).parts()))) == by_hand(made)


def test_small_files_are_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_files, "_FAN_IN", 3)
    monkeypatch.setattr(segment_files, "BUFFER_EVENTS", 1000)
    store, made = open_store("ticks", tmp_path), events(3500)
    record(store, made)
    spans = sorted(path.stem for path in (tmp_path / "ticks.ticks" / "stream=feed").glob("*.parquet"))
    # 9 batches of 100 are merged into one; 27 would be too large
    assert [(int(one[:12]), int(one[13:])) for one in spans] == [(1, 9), (10, 18), (19, 27), (28, 30), (31, 33), (34, 34), (35, 35)]
    assert as_rows(read(open_store("ticks", tmp_path))) == by_hand(made)
    inside = [row for row in by_hand(made) if T0 + 500 * HOUR <= row[0] <= T0 + 501 * HOUR]
    assert as_rows(read(store, start=T0 + 500 * HOUR, end=T0 + 501 * HOUR)) == inside


def recorder(opened_at: tuple[str, str], made: np.ndarray, pipe: Any) -> None:
    """Records until it is killed, saying what was acknowledged."""
    segment_files._FAN_IN = 3
    store = open_store(*opened_at)
    for number, batch in enumerate(batches(made, 25), start=1):
        if number > store.position("feed").number:
            store.append("feed", number, batch, INSTRUMENTS)
            pipe.send(number)
    pipe.send(0)


@pytest.fixture(scope="module")
def forks() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["framework.data.store.catalog", "framework.data.store.ticks", "tests.data.store.market"])
    return context


@pytest.mark.parametrize("sort", SORTS)
def test_a_recorder_is_killed_again_and_again_and_goes_on(sort: str, tmp_path: Path, request: pytest.FixtureRequest, forks: Any) -> None:
    where = ("ticks" if sort == "segments" else request.getfixturevalue("database")(), str(tmp_path))
    made, draw, acknowledged, killed = events(2000), random.Random(7), 0, 0
    expected, store = by_hand(made), open_store(*where)
    for _ in range(100):
        near, far = forks.Pipe()
        child = forks.Process(target=recorder, args=(where, made, far))
        child.start()
        far.close()
        upto = acknowledged + draw.randint(3, 14)
        told = acknowledged
        while told < upto and (told := near.recv()):
            acknowledged = max(acknowledged, told)
        if not told:
            child.join()
            break
        time.sleep(draw.random() * 0.01)  # into the middle of the next append
        child.kill()
        child.join()
        killed += child.exitcode == -signal.SIGKILL
        at = store.position("feed").number
        assert at >= acknowledged, "what was acknowledged is kept"
        assert as_rows(read(store)) == by_hand(made[: at * 25])
        acknowledged = at
    assert killed > 5
    assert as_rows(read(store)) == expected
    store.close()


def read_on(where: tuple[str, str], pipe: Any) -> None:
    """Reads again and again; how many events it saw."""
    store, seen = open_store(*where), set()
    while not pipe.poll(0):
        found = read(store)
        assert (np.diff(found["ts_local_ns"]) >= 0).all()
        seen.add(len(found))
    pipe.send(seen)
    store.close()


@pytest.mark.parametrize("sort", SORTS)
def test_another_process_reads_while_one_records(
    sort: str, tmp_path: Path, request: pytest.FixtureRequest, forks: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(segment_files, "_FAN_IN", 3)  # files vanish under the reader all the time
    where = ("ticks" if sort == "segments" else request.getfixturevalue("database")(), str(tmp_path))
    store = open_store(*where)
    near, far = forks.Pipe()
    reader = forks.Process(target=read_on, args=(where, far))
    reader.start()
    made = events(8000)
    record(store, made)
    assert as_rows(read(store)) == by_hand(made)
    near.send("enough")
    seen = near.recv()
    reader.join()
    assert reader.exitcode == 0
    assert all(rows % SIZE == 0 for rows in seen), "batches are seen whole"
    store.close()


def test_a_damaged_or_missing_segment_is_named(tmp_path: Path) -> None:
    store = open_store("ticks", tmp_path)
    record(store, events(500))
    folder = tmp_path / "ticks.ticks" / "stream=feed"
    path = folder / "000000000002-000000000002.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="000000000002-000000000002.parquet: damaged"):
        read(open_store("ticks", tmp_path))
    path.unlink()
    with pytest.raises(DataError, match="stream=feed: batch 2 is missing before 3"):
        read(open_store("ticks", tmp_path))
    about = tmp_path / "ticks.ticks" / "store.json"
    about.write_text(about.read_text().replace('"store_version": 1', '"store_version": 9'))
    with pytest.raises(DataError, match=r"store.json: version 9, this onetape writes 1"):
        open_store("ticks", tmp_path)


def test_wheres_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="store mysql://...: ticks are recorded into PostgreSQL"):
        open_store("mysql://root:secret@here/ticks")
    from pyarrow import fs

    with pytest.raises(DataError, match="cannot be appended to. Record into a folder or PostgreSQL"):
        open_store("ticks", fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()))
    with pytest.raises(DataError, match="rule: letters, digits"):
        open_store("a/b", tmp_path)


@pytest.mark.extra(name="postgres")
def test_nobody_answers(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason='needs the extra "postgres"')
    with pytest.raises(StoreLost, match=r"postgresql://me:\*\*\*@/ticks.*Start the server or correct the URL"):
        open_store(f"postgresql://me:secret@/ticks?host={tmp_path}")
