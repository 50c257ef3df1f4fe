"""Batches of columns from a CSV file, a Parquet file or a DataFrame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet

from framework.errors import DataError

_BATCH_ROWS = 1 << 17
_BLOCK_BYTES = 1 << 23
_PEEK_BYTES = 1 << 16


@dataclass(frozen=True)
class Source:
    """Where a table comes from.

    Attributes:
        data: a .csv, .csv.gz or .parquet file, or a DataFrame.
        header: names of the columns of a CSV file that has no line of them.
        delimiter: between the fields of a CSV file.
        is_text: whether stamps are kept as they are written, for a format of their own.
    """

    data: str | Path | pd.DataFrame
    header: Sequence[str] | None = None
    delimiter: str = ","
    is_text: bool = False

    @property
    def place(self) -> str:
        """For messages."""
        return "frame" if isinstance(self.data, pd.DataFrame) else str(self.data)

    def names(self) -> list[str]:
        """Names of the columns.

        Raises:
            DataError: no such file, or one that cannot be read.
        """
        with _told(self.place):
            if isinstance(self.data, pd.DataFrame):
                return [str(name) for name in self.data.columns]
            if str(self.data).endswith(".parquet"):
                return list(parquet.read_schema(self.data).names)
            with csv.open_csv(self.data, csv.ReadOptions(block_size=_PEEK_BYTES, column_names=self.header), self._parsing()) as stream:
                return list(stream.schema.names)

    def batches(self, names: Sequence[str], stamps: str = "") -> Iterator[pa.RecordBatch]:
        """Some columns, batch by batch; `stamps` is that of the stamps.

        Raises:
            DataError: a file that cannot be read.
        """
        with _told(self.place):
            if isinstance(self.data, pd.DataFrame):
                yield from pa.Table.from_pandas(self.data[list(names)], preserve_index=False).to_batches(max_chunksize=_BATCH_ROWS)
            elif str(self.data).endswith(".parquet"):
                with parquet.ParquetFile(self.data) as file:
                    yield from (batch.select(list(names)) for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(names)))
            else:
                convert = csv.ConvertOptions(include_columns=list(names), column_types={stamps: pa.string()} if self.is_text else None)
                reading = csv.ReadOptions(block_size=_BLOCK_BYTES, column_names=self.header)
                with csv.open_csv(self.data, reading, self._parsing(), convert) as stream:
                    yield from stream

    def _parsing(self) -> csv.ParseOptions:
        return csv.ParseOptions(delimiter=self.delimiter)


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Says by our own error what pyarrow refuses."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{place}: cannot be read: {error}. Rows need as many fields as the header, and one type a column.") from error
