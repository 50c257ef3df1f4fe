"""Bars from CSV, Parquet or a folder of such files, as a recording: `framework.data.readers.read_bars` with all its terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

from framework.data.formats.bar_tables import tape_of
from framework.data.tape.from_frames import Missing, Spec, Terms
from framework.data.tape.recording import Events, Recording
from framework.data.tape.stamps import BarStamp, Epoch
from framework.schema.event import Kind
from framework.schema.units import Step


def read(
    path: str | Path,
    *,
    instruments: Sequence[str] | None = None,
    bar_stamp: BarStamp = "close",
    calendar: str | None = None,
    tick_size: float | str | Fraction | Step | None = None,
    lot_size: float | str | Fraction | Step | None = None,
    currency: str = "USD",
    time_zone: str | None = None,
    epoch: Epoch | None = None,
    columns: Mapping[str, str] | None = None,
    missing: Missing = "allow",
    instrument_specs: Mapping[str, Spec] | None = None,
) -> Recording:
    """Read a file or folder of bars.

    Args:
        path: .csv, .csv.gz or .parquet, or a folder of such files.
        missing: sessions without a bar are noted by default: `onetape data check` counts them. "refuse" refuses them.
        instruments, bar_stamp, calendar, tick_size, lot_size, currency, time_zone, epoch, columns, instrument_specs: as of `read_bars`.

    Raises:
        DataError: as `read_bars`.
    """
    terms = Terms(
        None, None, bar_stamp, calendar, tick_size, lot_size, currency, time_zone, epoch, missing, instrument_specs
    )  # fmt: skip
    tape = tape_of(Path(path), terms, instruments=instruments, columns=columns or {}, actions=None)

    def parts() -> Iterator[Events]:
        yield tape.events[tape.events["kind"] == Kind.BAR]

    return Recording(tuple(tape.instruments), parts, str(path), tuple(tape.notes))
