"""Batches of columns from a CSV file, a Parquet file or a DataFrame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet

from framework.data.checks.library_errors import reading

_BATCH_ROWS = 1 << 17
_BLOCK_BYTES = 1 << 23
_PEEK_BYTES = 1 << 16
_WAY_OUT = "Rows need as many fields as the header, and one type a column. Correct the file, or fetch it again."


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
        with reading(self.place, _WAY_OUT):
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
        with reading(self.place, _WAY_OUT):
            if isinstance(self.data, pd.DataFrame):
                frame = self.data.set_axis(self.names(), axis=1)
                yield from pa.Table.from_pandas(frame[list(names)], preserve_index=False).to_batches(max_chunksize=_BATCH_ROWS)
            elif str(self.data).endswith(".parquet"):
                with parquet.ParquetFile(self.data, page_checksum_verification=True) as file:
                    yield from (batch.select(list(names)) for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(names)))
            else:
                convert = csv.ConvertOptions(include_columns=list(names), column_types={stamps: pa.string()} if self.is_text else None)
                options = csv.ReadOptions(block_size=_BLOCK_BYTES, column_names=self.header)
                with csv.open_csv(self.data, options, self._parsing(), convert) as stream:
                    yield from stream

    def _parsing(self) -> csv.ParseOptions:
        return csv.ParseOptions(delimiter=self.delimiter)
