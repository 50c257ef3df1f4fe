"""Tables of the store of ticks in PostgreSQL, and the days that its events are split into."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import sqlalchemy as sa

from framework.data.store.port import STORE_VERSION
from framework.errors import DataError
from framework.schema.units import NANOSECONDS_PER_DAY

SCHEMA = "onetape"
_LOCK = 0x6F6E6574617065  # "onetape": held while tables are made

Layout = Literal["partitions", "timescaledb"]

_metadata = sa.MetaData(schema=SCHEMA)

about = sa.Table(
    "about", _metadata, sa.Column("version", sa.Integer, nullable=False), sa.Column("layout", sa.Text, nullable=False)
)  # fmt: skip
instrument = sa.Table(
    "instrument",
    _metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("symbol", sa.Text, nullable=False, unique=True),
    sa.Column("terms", sa.Text, nullable=False),
)
stream = sa.Table(
    "stream",
    _metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("events", sa.BigInteger, nullable=False),
)
stands = sa.Table(
    "stands",
    _metadata,
    sa.Column("stream", sa.Integer, sa.ForeignKey(stream.c.id), primary_key=True),
    sa.Column("instrument", sa.Integer, primary_key=True),  # 0 is no instrument, so it refers to nothing
    sa.Column("last_ns", sa.BigInteger, nullable=False),
)
batch = sa.Table(
    "batch",
    _metadata,
    sa.Column("stream", sa.Integer, sa.ForeignKey(stream.c.id), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("events", sa.BigInteger, nullable=False),
    sa.Column("first_ns", sa.BigInteger, nullable=False),
    sa.Column("last_ns", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)

event = f"{SCHEMA}.event"
WIDTHS = {
    "ts_local_ns": 8,
    "ts_venue_ns": 8,
    "kind": 2,
    "flags": 4,
    "instrument": 4,
    "w0": 8,
    "w1": 8,
    "w2": 8,
    "w3": 8,
    "w4": 8,
    "stream": 4,
    "seq": 8,
}
"""Columns of `event` and their bytes; `seq` counts the events of a stream."""

_TYPES = {2: "smallint", 4: "integer", 8: "bigint"}


def prepare(connection: sa.Connection, place: str) -> Layout:
    """Make the tables where there are none; which way events are split.

    Raises:
        DataError: they were made by another version.
    """
    _lock(connection)
    if not connection.execute(sa.text("SELECT to_regclass(:name)"), {"name": f"{SCHEMA}.about"}).scalar():
        layout: Layout = "timescaledb" if _timescale(connection) else "partitions"
        connection.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        _metadata.create_all(connection)
        columns = ", ".join(f"{name} {_TYPES[width]} NOT NULL" for name, width in WIDTHS.items())
        split = " PARTITION BY RANGE (ts_local_ns)" if layout == "partitions" else ""
        connection.execute(sa.text(f"CREATE TABLE {event} ({columns}){split}"))
        connection.execute(sa.text(f"CREATE INDEX event_time ON {event} USING brin (ts_local_ns)"))
        if layout == "timescaledb":
            words = "chunk_time_interval => CAST(:day AS bigint), create_default_indexes => FALSE"
            connection.execute(sa.text(f"SELECT create_hypertable('{event}', 'ts_local_ns', {words})"), {"day": NANOSECONDS_PER_DAY})
        connection.execute(sa.insert(about).values(version=STORE_VERSION, layout=layout))
    found = connection.execute(sa.select(about.c.version, about.c.layout)).one()
    if found.version != STORE_VERSION:
        raise DataError(
            f"{place}: schema {SCHEMA} has version {found.version}, this onetape writes {STORE_VERSION}. Use the onetape that made it, or "
            "another database."
        )
    made: Layout = found.layout
    return made


def _timescale(connection: sa.Connection) -> bool:
    """Whether TimescaleDB can be used in this database."""
    there = connection.execute(sa.text("SELECT installed_version FROM pg_available_extensions WHERE name = 'timescaledb'")).one_or_none()
    if there is None or there.installed_version is not None:
        return there is not None
    try:
        with connection.begin_nested():
            connection.execute(sa.text("CREATE EXTENSION timescaledb"))
    except sa.exc.DBAPIError:  # not preloaded, or the role may not: plain partitions do as well
        return False
    return True


def _lock(connection: sa.Connection) -> None:
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def make_days(connection: sa.Connection, days: Iterable[int]) -> None:
    """Partitions of some days since 1970. They are attached, not made in place, which would wait for whoever reads."""
    _lock(connection)
    for day in days:
        name = f"{event}_{np.datetime64(day, 'D')}".replace("-", "_")
        if connection.execute(sa.text("SELECT to_regclass(:name)"), {"name": name}).scalar():
            continue
        connection.execute(sa.text(f"CREATE TABLE {name} (LIKE {event})"))
        begin, end = day * NANOSECONDS_PER_DAY, (day + 1) * NANOSECONDS_PER_DAY
        connection.execute(sa.text(f"ALTER TABLE {event} ATTACH PARTITION {name} FOR VALUES FROM ({begin}) TO ({end})"))


def windows(connection: sa.Connection, first_ns: int, last_ns: int, events: int) -> list[tuple[int, int]]:
    """Spans from `first_ns` to `last_ns` that follow each other, both ends inclusive, each of about so many events or one larger batch."""
    before = sa.func.sum(batch.c.events).over(order_by=(batch.c.last_ns, batch.c.stream, batch.c.number)) - batch.c.events
    parts = sa.select(batch.c.first_ns, batch.c.last_ns, sa.func.div(before, events).label("part"))
    found = parts.where(batch.c.first_ns <= last_ns, batch.c.last_ns >= first_ns).subquery()
    spans = sa.select(sa.func.min(found.c.first_ns).label("first"), sa.func.max(found.c.last_ns).label("last")).group_by(found.c.part)
    rows = connection.execute(spans).all()
    if not rows:
        return []
    # the real first stamp, not the least of all: PostgreSQL takes that for a numeric, and would then use neither index nor partitions
    begin = max(first_ns, min(row.first for row in rows))
    ends = sorted({min(row.last, last_ns) for row in rows})
    return list(zip([begin, *(end + 1 for end in ends[:-1])], ends, strict=True))
