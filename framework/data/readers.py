"""Read bars from a dataset, a file, a folder or frames into a tape; refuse what cannot be trusted.

Bars are kept at their closes: a stamp says when the bar was complete, so a strategy cannot see it earlier.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import pandas as pd

from framework.data.formats.bar_tables import SUFFIXES, tape_of
from framework.data.store import catalog
from framework.data.tape import Tape
from framework.data.tape.from_frames import Missing, Spec, Terms
from framework.data.tape.stamps import BarStamp, Bound, Epoch
from framework.errors import DataError
from framework.schema.units import Step

Data = str | Path | pd.DataFrame | Mapping[str, pd.DataFrame]


def read_bars(
    data: Data,
    *,
    instruments: Sequence[str] | None = None,
    start: Bound = None,
    end: Bound = None,
    bar_stamp: BarStamp = "close",
    calendar: str | None = None,
    tick_size: float | str | Fraction | Step | None = None,
    lot_size: float | str | Fraction | Step | None = None,
    currency: str = "USD",
    time_zone: str | None = None,
    epoch: Epoch | None = None,
    columns: Mapping[str, str] | None = None,
    missing: Missing = "refuse",
    instrument_specs: Mapping[str, Spec] | None = None,
    actions: pd.DataFrame | None = None,
) -> Tape:
    """Read bars into a tape.

    Args:
        data: a dataset name (`catalog.names()`); a .csv, .csv.gz or .parquet file; a folder of such files; a DataFrame; or a
            dict of DataFrames by symbol. A file is one symbol, its stem, unless it has a column `symbol`.
        instruments: which symbols to keep; for a single DataFrame, its name ("ASSET" if not given).
        start, end: inclusive. A date means that whole day, UTC; an instant needs its zone.
        bar_stamp: "close" (the default) or "open": what the source's stamps are. Opens are moved to the closes.
        calendar: where the bars trade: an `exchange_calendars` name, "24/7" or "bars". Bars must then fit its sessions.
            If not given: "24/7" for bars shorter than a day, else "bars", where each bar is its own session.
        tick_size, lot_size: steps of price and quantity; if not given, the coarsest decimal that represents every value exactly.
        currency: of the prices.
        time_zone: of stamps that do not say theirs.
        epoch: what numeric stamps count since 1970: "s", "ms", "us" or "ns".
        columns: names in the source to ours, {"last": "close"}; {"name": ""} leaves a column out. Case does not matter.
        missing: "refuse" sessions without a bar, or "allow" and note them. Only looked at where a calendar is named.
        instrument_specs: by symbol, an Instrument or a mapping of its fields, overriding everything above.
        actions: splits, dividends and delistings; see `tape.build`.

    Raises:
        DataError: naming place, row, column, value, rule and what to do.

    >>> stamps = pd.DatetimeIndex(["2020-01-01 00:01", "2020-01-01 00:02"], tz="UTC")
    >>> bars = pd.DataFrame(dict(open=1.5, high=2.0, low=1.0, close=1.25, volume=3.0), index=stamps)
    >>> read_bars(bars, instruments=["X"]).instruments[0].tick
    Step(numerator=1, denominator=100)
    """
    terms = Terms(
        start, end, bar_stamp, calendar, tick_size, lot_size, currency, time_zone, epoch, missing, instrument_specs
    )  # fmt: skip
    if is_dataset(data):
        if terms != Terms(start, end) or columns or actions is not None:
            raise DataError(f"dataset {data!r} brings its own stamps, calendar and steps. Give only instruments=, start= and end= with it.")
        return catalog.load(str(data), instruments=instruments, start=start, end=end)
    return tape_of(Path(data) if isinstance(data, str) else data, terms, instruments=instruments, columns=columns or {}, actions=actions)


def is_dataset(data: object) -> bool:
    """Whether `read_bars` takes this for the name of a dataset, which brings its own terms, and not for a path or frames."""
    return isinstance(data, str) and not _is_path(data)


def _is_path(text: str) -> bool:
    return text.endswith(SUFFIXES) or "/" in text or "\\" in text or (not catalog.has(text) and os.path.exists(text))
