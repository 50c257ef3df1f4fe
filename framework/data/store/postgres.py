"""A store of ticks in PostgreSQL: binary COPY in, packed windows of time out; a hypertable where TimescaleDB is there.

Tables of the schema `onetape`: `about` (version and layout), `instrument`, `stream`, `stands` (last stamp of each instrument in each
stream), `batch`, and `event` with the columns of an event as integers. `event` is split by days of `ts_local_ns` and has a BRIN index on
it: rows come nearly in order, so an index of a few pages serves, and appending costs a quarter of what it costs with a B-tree.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import psycopg  # LGPL-3.0: used as it is, by its own interface, and only with the extra "postgres"
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects import postgresql

from framework.data.store import postgres_schema as tables
from framework.data.store.copy_binary import HEADER, TRAILER, Rows
from framework.data.store.manifest import instrument_of, terms_of
from framework.data.store.port import Batch, Position, checked, chosen, codes, is_new, moved, same_terms
from framework.data.tape.event_arrays import taken
from framework.data.tape.merge import merged
from framework.data.tape.recording import Recording
from framework.data.tape.stamps import Bound, bounds_ns
from framework.errors import DataError, StoreLost
from framework.schema.event import EVENT, NO_INSTRUMENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import NANOSECONDS_PER_DAY

Events = NDArray[np.void]

_NOBODY = 0
"""`instrument` of an event that belongs to none."""

_WINDOW_EVENTS = 500_000
"""So many events are asked for at once when reading, and put in order here: the server would sort on its disk."""

_ROW = np.dtype([(name, f">i{width}") for name, width in tables.WIDTHS.items()])
_PACKED = "||".join(f"int{width}send({name})" for name, width in tables.WIDTHS.items())
"""A row as its bytes. The server joins those of a window into one value: a row a message would take twice as long."""


class PostgresStore:
    """Ticks in a database; see `port.TickStore`.

    Args:
        url: postgresql://user:password@host:port/database, as SQLAlchemy understands it.

    The first use makes the schema, for which the role needs CREATE on the database.

    Raises:
        StoreLost: nobody answers there.
        DataError: a URL that cannot be, a schema of another version, missing privileges.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = sa.make_url(url).set(drivername="postgresql+psycopg")
        except (sa.exc.ArgumentError, ValueError) as error:
            raise DataError(f"{url!r} is no URL of a database: {error}. Write postgresql://user:password@host:port/database.") from error
        self._place = parsed.set(drivername="postgresql").render_as_string(hide_password=True)
        self._engine = sa.create_engine(parsed, pool_pre_ping=True)
        self._days: set[int] = set()
        try:
            with self._answers(), self._engine.begin() as connection:
                self.layout = tables.prepare(connection, self._place)
        except BaseException:
            self.close()
            raise

    def append(self, stream: str, number: int, events: Events, instruments: Sequence[Instrument]) -> bool:
        """Keep a batch in one transaction; see `TickStore.append`."""
        batch = checked(stream, number, events, instruments)
        with self._answers():
            if self.layout == "partitions":
                self._make_days(np.unique(events["ts_local_ns"] // NANOSECONDS_PER_DAY).tolist())
            with self._engine.begin() as connection:
                return self._append(connection, batch)

    def _append(self, connection: sa.Connection, batch: Batch) -> bool:
        stream, last, kept = self._locked(connection, batch.stream)
        found = connection.execute(
            sa.select(tables.batch.c.digest).where(tables.batch.c.stream == stream, tables.batch.c.number == batch.number)
        ).scalar()
        last_stamp = connection.execute(sa.select(sa.func.max(tables.stands.c.last_ns)).where(tables.stands.c.stream == stream)).scalar()
        if not is_new(batch, last, found, last_stamp):
            return False
        ids = self._register(connection, batch)
        stamps = batch.events["ts_local_ns"]
        self._copy_in(connection, batch.events, ids, stream, kept)
        words = {"stream": stream, "number": batch.number, "events": len(batch.events), "digest": batch.digest}
        connection.execute(sa.insert(tables.batch).values(first_ns=int(stamps[0]), last_ns=int(stamps[-1]), **words))
        by_symbol = {instrument.symbol: number for instrument, number in zip(batch.instruments, ids.tolist(), strict=True)} | {"": _NOBODY}
        stands = postgresql.insert(tables.stands)
        connection.execute(
            stands.on_conflict_do_update(index_elements=["stream", "instrument"], set_={"last_ns": stands.excluded.last_ns}),
            [{"stream": stream, "instrument": by_symbol[symbol], "last_ns": last_ns} for symbol, last_ns in batch.last_ns().items()],
        )
        connection.execute(
            sa.update(tables.stream).where(tables.stream.c.id == stream).values(number=batch.number, events=kept + len(batch.events))
        )
        return True

    def _locked(self, connection: sa.Connection, name: str) -> tuple[int, int, int]:
        """Id, last number and events of a stream, which nobody else appends to until the transaction ends."""
        columns = (tables.stream.c.id, tables.stream.c.number, tables.stream.c.events)
        query = sa.select(*columns).where(tables.stream.c.name == name).with_for_update()
        row = connection.execute(query).one_or_none()
        if row is None:
            connection.execute(postgresql.insert(tables.stream).values(name=name, number=0, events=0).on_conflict_do_nothing())
            row = connection.execute(query).one()
        return int(row.id), int(row.number), int(row.events)

    def _register(self, connection: sa.Connection, batch: Batch) -> NDArray[np.int64]:
        """The id of each instrument of a batch."""
        if not batch.instruments:
            return np.zeros(0, np.int64)
        rows = [{"symbol": one.symbol, "terms": json.dumps(terms_of(one))} for one in batch.instruments]
        known = self._known(connection, [one.symbol for one in batch.instruments])
        missing = [row for row in rows if row["symbol"] not in known]
        if missing:
            connection.execute(postgresql.insert(tables.instrument).on_conflict_do_nothing(), missing)
            known = self._known(connection, [one.symbol for one in batch.instruments])
        for one in batch.instruments:
            same_terms(known[one.symbol][1], one, f"stream {batch.stream!r}, batch {batch.number}")
        return np.array([known[one.symbol][0] for one in batch.instruments], dtype=np.int64)

    def _known(self, connection: sa.Connection, symbols: Sequence[str] | None = None) -> dict[str, tuple[int, Instrument]]:
        query = sa.select(tables.instrument)
        if symbols is not None:
            query = query.where(tables.instrument.c.symbol.in_(symbols))
        return {row.symbol: (row.id, instrument_of(json.loads(row.terms), self._place)) for row in connection.execute(query)}

    def _make_days(self, days: Iterable[int]) -> None:
        """Partitions of days that have none yet; in a transaction of their own, since an empty one does no harm."""
        missing = [day for day in days if day not in self._days]
        if missing:
            with self._engine.begin() as connection:
                tables.make_days(connection, missing)
            self._days.update(missing)

    def _copy_in(self, connection: sa.Connection, events: Events, ids: NDArray[np.int64], stream: int, first: int) -> None:
        columns: dict[str, Any] = {name: events[name] for name in EVENT.names or ()}
        owners = np.append(ids, _NOBODY)
        columns["instrument"] = owners[np.where(events["instrument"] == NO_INSTRUMENT, len(ids), events["instrument"])]
        columns |= {"stream": stream, "seq": np.arange(first, first + len(events), dtype=np.int64)}
        rows, query = Rows(tables.WIDTHS), f"COPY {tables.event} ({', '.join(tables.WIDTHS)}) FROM STDIN (FORMAT BINARY)"
        with _raw(connection).cursor() as cursor, cursor.copy(query) as copy:
            copy.write(HEADER)
            for block in rows.encode(columns, len(events)):
                copy.write(block)
            copy.write(TRAILER)

    def position(self, stream: str) -> Position:
        """Where a stream stands; see `TickStore.position`."""
        with self._answers(), self._snapshot() as connection:
            row = connection.execute(sa.select(tables.stream).where(tables.stream.c.name == stream)).one_or_none()
            if row is None:
                return Position()
            joined = sa.select(tables.instrument.c.symbol, tables.stands.c.last_ns).select_from(
                tables.stands.outerjoin(tables.instrument, tables.instrument.c.id == tables.stands.c.instrument)
            )
            stands = connection.execute(joined.where(tables.stands.c.stream == row.id))
            return Position(row.number, row.events, {found.symbol or "": found.last_ns for found in stands})

    def streams(self) -> list[str]:
        """Names of the streams that have a batch."""
        with self._answers(), self._engine.connect() as connection:
            return sorted(connection.execute(sa.select(tables.stream.c.name).where(tables.stream.c.number > 0)).scalars())

    def instruments(self) -> tuple[Instrument, ...]:
        """All that were registered, by symbol."""
        with self._answers(), self._engine.connect() as connection:
            known = self._known(connection)
        return tuple(known[symbol][1] for symbol in sorted(known))

    def read(
        self,
        *,
        instruments: Sequence[str] | None = None,
        kinds: Iterable[Kind | str] | None = None,
        start: Bound = None,
        end: Bound = None,
    ) -> Recording:
        """What is kept; see `TickStore.read`. Holds some hundred thousand events, or the largest batch where that is more."""
        picked = chosen({one.symbol: one for one in self.instruments()}, instruments, self._place)
        wanted, (first, last) = codes(kinds), bounds_ns(start, end)

        def parts() -> Iterator[Events]:
            yield from merged([self._rows(picked, wanted, first, last)])

        return Recording(picked, parts, self._place)

    def _rows(self, picked: Sequence[Instrument], kinds: list[int] | None, first: int, last: int) -> Iterator[Events]:
        with self._answers(), self._snapshot() as connection:
            connection.execute(sa.text("SET LOCAL jit = off"))  # compiling a query costs more than it saves here
            known = self._known(connection)
            ids = [known[one.symbol][0] for one in picked]
            place = np.full(max([number for number, _ in known.values()], default=0) + 1, NO_INSTRUMENT, np.int64)
            place[ids] = np.arange(len(ids))
            names = {row.id: row.name for row in connection.execute(sa.select(tables.stream))}
            rank = np.zeros(max(names, default=0) + 1, np.int64)
            rank[sorted(names, key=lambda stream: names[stream])] = np.arange(len(names))
            conditions = [f"instrument = ANY('{{{','.join(map(str, [*ids, _NOBODY]))}}}'::int[])"] if len(ids) < len(known) else []
            conditions += [f"kind = ANY('{{{','.join(map(str, kinds))}}}'::int[])"] if kinds is not None else []
            for begin, end in tables.windows(connection, first, last, _WINDOW_EVENTS):
                where = " AND ".join([f"ts_local_ns BETWEEN {begin} AND {end}", *conditions])
                query = f"SELECT string_agg({_PACKED}, ''::bytea) FROM {tables.event} WHERE {where}"
                with _raw(connection).cursor(binary=True) as cursor:
                    [packed] = cursor.execute(query).fetchone() or (None,)
                if packed is not None:
                    yield _events(np.frombuffer(packed, _ROW), place, rank)

    @contextmanager
    def _snapshot(self) -> Iterator[sa.Connection]:
        """A transaction to which the database stays as it is at its first query."""
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def _answers(self) -> Iterator[None]:
        """Says by our own errors what the server refuses, and that it is gone."""
        try:
            yield
        except (sa.exc.DBAPIError, psycopg.Error) as error:
            cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
            said = str(cause).strip().partition("\n")[0]
            if isinstance(cause, psycopg.errors.InsufficientPrivilege):
                raise DataError(
                    f"{self._place}: {said}. Give the role its rights: GRANT CREATE ON DATABASE to make the schema {tables.SCHEMA}; to "
                    "read, USAGE on it and SELECT on all its tables. Only the owner of the tables records, since each day adds one."
                ) from error
            if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
                raise StoreLost(f"{self._place}: {said}. Start the server or correct the URL, then repeat the call.") from error
            raise DataError(f"{self._place}: {said}. Was the schema {tables.SCHEMA} changed by another program? Restore it.") from error

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


def _raw(connection: sa.Connection) -> psycopg.Connection[Any]:
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw


def _events(rows: NDArray[np.void], place: NDArray[np.int64], rank: NDArray[np.int64]) -> Events:
    """Rows as events in the order of stamp, stream, and place in the stream."""
    events = np.empty(len(rows), EVENT)
    for name in EVENT.names or ():
        events[name] = rows[name]
    owners = events["instrument"]
    events["instrument"] = moved(np.where(owners == _NOBODY, NO_INSTRUMENT, owners).astype(np.uint32), place)
    stamps, sequence = np.ascontiguousarray(events["ts_local_ns"]), rows["seq"].astype(np.int64)
    if len(rank) == 2 and (np.diff(stamps) >= 0).all() and (np.diff(sequence) > 0).all():
        return events
    return taken(events, np.lexsort((sequence, rank[rows["stream"]], stamps)))
