"""What only a server can do: refuse, go away, hold several writers; and its binary format."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from framework.errors import DataError, StoreLost
from framework.schema.event import EVENT
from tests.data.store.market import INSTRUMENTS, as_rows, by_hand, events

pytestmark = pytest.mark.extra(name="postgres")
psycopg = pytest.importorskip("psycopg", reason='needs the extra "postgres"')
from framework.data.store.copy_binary import Rows  # noqa: E402
from framework.data.store.postgres import PostgresStore  # noqa: E402


@pytest.fixture
def url(database: Callable[[], str]) -> str:
    return database()


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    made = PostgresStore(url)
    yield made
    made.close()


def ask(url: str, *queries: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        for query in queries[:-1]:
            connection.execute(query)
        found = connection.execute(queries[-1])
        return found.fetchall() if found.description else []


def read(store: PostgresStore) -> np.ndarray:
    return np.concatenate([*store.read().parts(), np.zeros(0, EVENT)])


def test_rows_are_as_the_manual_says() -> None:
    rows = Rows({"a": 8, "b": 2})
    data = b"".join(rows.encode({"a": np.array([1, -2]), "b": 7}, 2))
    assert data == struct.pack("!hiqih", 2, 8, 1, 2, 7) + struct.pack("!hiqih", 2, 8, -2, 2, 7)


def test_the_table_holds_plain_columns_split_by_days(url: str, store: PostgresStore) -> None:
    made = events(300)
    store.append("feed", 1, made, INSTRUMENTS)
    days = {str(day) for day in made["ts_local_ns"].astype("datetime64[ns]").astype("datetime64[D]")}
    partitions = ask(url, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'onetape.event'::regclass")
    assert {name for (name,) in partitions} == {f"onetape.event_{day.replace('-', '_')}" for day in days}
    columns = "ts_local_ns, ts_venue_ns, kind, flags, w0, w1, w2, w3, w4, symbol"
    found = ask(url, f"SELECT {columns} FROM onetape.event e LEFT JOIN onetape.instrument i ON i.id = e.instrument ORDER BY seq")
    symbols = ("ETH/USDT:USDT", "BTC")
    assert found == [
        (*(int(row[name]) for name in columns.split(", ")[:-1]), symbols[row["instrument"]] if row["instrument"] < 2 else None)
        for row in made
    ]


def test_two_writers_of_one_stream_keep_each_batch_once(url: str) -> None:
    made, answers = events(2000), []

    def write() -> None:
        store = PostgresStore(url)
        answers.extend(store.append("feed", k + 1, made[k * 100 : (k + 1) * 100], INSTRUMENTS) for k in range(20))
        store.close()

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 20 + [True] * 20
    store = PostgresStore(url)
    assert as_rows(read(store)) == by_hand(made)
    store.close()


def test_many_streams_begin_at_once(url: str) -> None:
    made, wrong = events(500), []

    def write(stream: str) -> None:
        try:
            store = PostgresStore(url)
            store.append(stream, 1, made, INSTRUMENTS)
            store.close()
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=write, args=(f"feed-{k}",)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    store = PostgresStore(url)
    assert as_rows(read(store)) == by_hand(np.concatenate([made] * 6))
    store.close()


def test_a_connection_that_is_cut_is_told_and_the_call_can_be_repeated(url: str, store: PostgresStore, monkeypatch: Any) -> None:
    made = events(400)
    assert store.append("feed", 1, made[:200], INSTRUMENTS)
    whole = Rows.encode

    def cut(self: Rows, columns: Any, count: int) -> Iterator[Any]:
        yield from whole(self, columns, count)
        ask(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()")

    monkeypatch.setattr(Rows, "encode", cut)
    with pytest.raises(StoreLost, match="Start the server or correct the URL, then repeat the call"):
        store.append("feed", 2, made[200:], INSTRUMENTS)
    monkeypatch.undo()
    assert store.position("feed").number == 1
    assert store.append("feed", 2, made[200:], INSTRUMENTS)
    assert as_rows(read(store)) == by_hand(made)


def test_a_schema_of_another_version(url: str, store: PostgresStore) -> None:
    ask(url, "UPDATE onetape.about SET version = 9")
    with pytest.raises(DataError, match="schema onetape has version 9, this onetape writes 1. Use the onetape that made it"):
        PostgresStore(url)


def test_a_role_without_rights_is_told_which(url: str, store: PostgresStore) -> None:
    ask(url, "DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN", "GRANT USAGE ON SCHEMA onetape TO reader")
    with pytest.raises(DataError, match="permission denied for table about. Give the role its rights: GRANT"):
        PostgresStore(url.replace("postgres@", "reader@"))


def test_tables_that_another_program_changed(url: str, store: PostgresStore) -> None:
    ask(url, "ALTER TABLE onetape.event RENAME COLUMN w3 TO depth")
    with pytest.raises(DataError, match='column "w3" .* does not exist. Was the schema onetape changed by another program'):
        store.append("feed", 1, events(10), INSTRUMENTS)
    assert store.position("feed").number == 0


def test_a_url_that_is_none() -> None:
    with pytest.raises(DataError, match="is no URL of a database"):
        PostgresStore("postgresql:/nowhere")
