"""What a store of ticks has kept, to make a dataset of it: Parquet files by a name, PostgreSQL by a URL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from framework.data.store.root import RootLike
from framework.data.store.ticks import open_store
from framework.data.tape.recording import Recording
from framework.data.tape.stamps import Bound
from framework.errors import DataError
from framework.schema.event import Kind


def read(
    path: str,
    *,
    instruments: Sequence[str] | None = None,
    kinds: Iterable[Kind | str] | None = None,
    start: Bound = None,
    end: Bound = None,
    root: RootLike = None,
) -> Recording:
    """Read a store of ticks.

    Args:
        path: its name or URL; see `open_store`.
        instruments, kinds, start, end: see `catalog.open`.
        root: of a name.

    Raises:
        DataError: nothing was recorded there; an unknown symbol or kind; as `open_store` says.
        StoreLost: nobody answers.
    """
    store = open_store(str(path), root)
    if not store.streams():
        store.close()
        raise DataError(f"store {str(path).rpartition('@')[2]}: nothing was recorded there. Correct its name, root or URL.")
    return store.read(instruments=instruments, kinds=kinds, start=start, end=end)
