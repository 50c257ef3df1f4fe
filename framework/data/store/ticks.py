"""Opening a store of ticks by its name or URL."""

from __future__ import annotations

from framework.data.store.port import TickStore
from framework.data.store.root import RootLike
from framework.data.store.segments import SegmentStore
from framework.errors import DataError


def open_store(where: str, root: RootLike = None) -> TickStore:
    """A store of ticks, made where there is none yet.

    Args:
        where: a name, for Parquet files in the folder NAME.ticks beside the datasets; or postgresql://user:password@host:port/database,
            which needs the extra "postgres".
        root: of a name; see `root.root_of`.

    Raises:
        DataError: a name or URL that cannot be, a store of another version, a missing package or privilege.
        StoreLost: nobody answers there.
    """
    if "://" not in where:
        return SegmentStore(where, root)
    if not where.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        scheme = where.partition("://")[0]
        raise DataError(
            f"store {scheme}://...: ticks are recorded into PostgreSQL (postgresql://...) or, by a NAME, into the catalog's folder."
        )
    try:
        from framework.data.store.postgres import PostgresStore
    except ImportError as error:
        raise DataError(f'PostgreSQL needs the extra "postgres": pip install "onetape[postgres]" ({error}).') from error
    return PostgresStore(where)
