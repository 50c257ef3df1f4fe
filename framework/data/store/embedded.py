"""Datasets embedded in packages: what is in them, where they come from, and what is wrong with them."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from framework.data.checks.asked import chosen_of
from framework.data.reference.calendar import session_table
from framework.data.series.adjust import derive_actions
from framework.data.tape import Tape
from framework.data.tape.from_frames import Source, Terms, to_tape
from framework.data.tape.recording import Recording
from framework.data.tape.stamps import Bound
from framework.errors import DataError
from framework.schema.instrument import InstrumentKind
from framework.schema.units import NANOSECONDS_PER_DAY

DEFAULT = "us_equities_daily"


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset: what it is, in a sentence or two, and how to load it."""

    name: str
    description: str
    load: Callable[[Sequence[str] | None, Bound, Bound], Tape]


# us_equities_daily

_SURVIVORS = (
    "Five shares that are still known because they did well: results on them say nothing about a strategy that would have had to "
    "pick among all shares of its day.",
    "The series end on 2013-03-01. Quandl declared the WIKI prices public domain.",
)


def _us_equities_daily(instruments: Sequence[str] | None, start: Bound, end: Bound) -> Tape:
    table = _read_stocks()
    chosen = chosen_of(sorted(set(table["Ticker"])), instruments, f"dataset {DEFAULT!r}")
    sources, actions = [], []
    for symbol in chosen:
        rows = table[table["Ticker"] == symbol].set_index("Date")
        bars = rows[["Open", "High", "Low", "Close", "Volume"]].set_axis(["open", "high", "low", "close", "volume"], axis=1)
        sources.append(Source(symbol, bars, bars.index, f"{DEFAULT} ({symbol})"))
        actions.append(derive_actions(rows["Close"], rows["Adj Close"], symbol=symbol))
    found = pd.concat(actions, ignore_index=True)
    counts = found["kind"].value_counts()
    derived = (
        f"{counts.get('split', 0)} splits and {counts.get('dividend', 0)} dividends up to 2013-03-01 were derived from raw against "
        "adjusted closes; they take effect at the open of the ex-date."
    )
    terms = Terms(start=start, end=end, calendar="XNYS")
    return to_tape(sources, terms, actions=_at_the_open(found, "XNYS"), name=DEFAULT, notes=(*_SURVIVORS, derived))


def _read_stocks() -> pd.DataFrame:
    # Read beside the package: importing its module parses the same file in pure Python.
    found = importlib.util.find_spec("bokeh_sampledata")
    if found is None or not found.submodule_search_locations:
        raise DataError(
            f"dataset {DEFAULT!r} comes with the package bokeh_sampledata, which is not installed. Run: pip install bokeh_sampledata"
        )
    path = Path(found.submodule_search_locations[0]) / "_data" / "stocks.csv.gz"
    if not path.exists():
        raise DataError(
            f"dataset {DEFAULT!r}: the installed bokeh_sampledata has no {path.name}. Run: pip install --upgrade bokeh_sampledata"
        )
    return pd.read_csv(path, parse_dates=["Date"])


def _at_the_open(actions: pd.DataFrame, calendar: str) -> pd.DataFrame:
    """Move actions from their dates to the opens of those sessions."""
    if actions.empty:
        return actions.assign(ts=pd.DatetimeIndex([], tz="UTC"))
    dates = pd.DatetimeIndex(actions["ts"]).as_unit("ns").asi8
    table = session_table(calendar, int(dates.min()), int(dates.max()))
    opens = table.open_ns[np.searchsorted(table.labels, dates // NANOSECONDS_PER_DAY)]
    return actions.assign(ts=pd.DatetimeIndex(opens, tz="UTC"))


# indices of the package arch


def _arch_frame(dataset: str, module: str) -> pd.DataFrame:
    try:
        found = importlib.import_module(f"arch.data.{module}")
    except ImportError as error:
        raise DataError(
            f"dataset {dataset!r} comes with the package arch, which is not installed. Run: pip install onetape[data]"
        ) from error
    frame: pd.DataFrame = found.load()
    return frame.set_axis([str(name).strip().lower() for name in frame.columns], axis=1)


def _index_tape(dataset: str, symbol: str, bars: pd.DataFrame, calendar: str, terms: Terms, notes: Sequence[str]) -> Tape:
    source = Source(symbol, bars, bars.index, dataset)
    specs = {symbol: {"kind": InstrumentKind.INDEX, "calendar": calendar}}
    return to_tape([source], Terms(start=terms.start, end=terms.end, specs=specs), name=dataset, notes=notes)


def _arch_index(dataset: str, module: str, symbol: str) -> Callable[[Sequence[str] | None, Bound, Bound], Tape]:
    def load_index(instruments: Sequence[str] | None, start: Bound, end: Bound) -> Tape:
        chosen_of([symbol], instruments, f"dataset {dataset!r}")
        bars = _arch_frame(dataset, module)[["open", "high", "low", "close", "volume"]]
        note = f"{symbol} is an index: a value to read, not to trade. Without dividends."
        return _index_tape(dataset, symbol, bars, "XNYS", Terms(start=start, end=end), (note,))

    return load_index


def _vix_daily(instruments: Sequence[str] | None, start: Bound, end: Bound) -> Tape:
    chosen_of(["VIX"], instruments, "dataset 'vix_daily'")
    values = _arch_frame("vix_daily", "vix").iloc[:, -1]
    empty = values.isna()
    kept = values[~empty]
    bars = pd.DataFrame({name: kept for name in ("open", "high", "low", "close")})
    notes = (
        "VIX is an index: a value to read, not to trade.",
        "The source has one value a day, so open, high, low and close are all it. It is stamped at the close of Cboe futures, since "
        "the index is computed for a quarter of an hour after shares close.",
        f"{int(empty.sum())} rows without a value (holidays) were left out.",
    )
    return _index_tape("vix_daily", "VIX", bars, "XCBF", Terms(start=start, end=end), notes)


# synthetic

_SEED = 20240102
_MADE_UP = "Made by a generator with a fixed seed, not recorded from a market."
# The generators are imported where they are used: they need numba, which listing the datasets does not.


def _synthetic(name: str, make: Callable[[], Recording]) -> Callable[[Sequence[str] | None, Bound, Bound], Tape]:
    def load_synthetic(instruments: Sequence[str] | None, start: Bound, end: Bound) -> Tape:
        made = make()
        chosen = chosen_of([instrument.symbol for instrument in made.instruments], instruments, f"dataset {name!r}")
        tape = made.tape(name)
        whole = len(chosen) == len(made.instruments) and start is None and end is None
        return tape if whole else tape.select(chosen, start, end)

    return load_synthetic


def _synthetic_bars() -> Recording:
    from framework.data.synthetic.bar_plan import BarPlan
    from framework.data.synthetic.bars import walk

    return walk(BarPlan(("A", "B", "C"), every="session", calendar="XNYS", seed=_SEED)).recording


def _synthetic_pair() -> Recording:
    from framework.data.synthetic.bar_plan import BarPlan
    from framework.data.synthetic.pairs import pair

    return pair(BarPlan(("FIRST", "SECOND"), every="session", calendar="XNYS", seed=_SEED)).recording


def _synthetic_book() -> Recording:
    from framework.data.synthetic.queue_reactive import queue_reactive_book
    from framework.data.synthetic.streams import Market

    return queue_reactive_book(Market(("MAKE",), seed=_SEED, latency_ns=500_000, jitter_ns=200_000)).recording


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            DEFAULT,
            "Daily bars of AAPL, FB, GOOG, IBM and MSFT as traded (unadjusted), 2000-03-01 to 2013-03-01, with splits and dividends. "
            "Calendar XNYS. Source: Quandl WIKI, public domain, through the package bokeh_sampledata. " + _SURVIVORS[0],
            _us_equities_daily,
        ),
        Dataset(
            "sp500_daily",
            "Daily bars of the S&P 500 index (SPX), 1999-01-04 to 2018-12-31, through the package arch. An index, without dividends.",
            _arch_index("sp500_daily", "sp500", "SPX"),
        ),
        Dataset(
            "nasdaq_daily",
            "Daily bars of the Nasdaq Composite index (IXIC), 1999-01-04 to 2018-12-31, through the package arch. An index, "
            "without dividends.",
            _arch_index("nasdaq_daily", "nasdaq", "IXIC"),
        ),
        Dataset(
            "vix_daily",
            "Daily closes of the Cboe volatility index (VIX), 2014-01-03 to 2019-01-03, through the package arch. An index.",
            _vix_daily,
        ),
        Dataset(
            "synthetic_bars",
            "Synthetic: ten years of daily bars of three independent walks A, B and C with regimes and jumps. Calendar XNYS. " + _MADE_UP,
            _synthetic("synthetic_bars", _synthetic_bars),
        ),
        Dataset(
            "synthetic_pair",
            "Synthetic: ten years of daily bars of a cointegrated pair, FIRST and SECOND, whose spread has a half-life of 20 days. "
            "Calendar XNYS. " + _MADE_UP,
            _synthetic("synthetic_pair", _synthetic_pair),
        ),
        Dataset(
            "synthetic_book",
            "Synthetic: an hour of a queue-reactive order book of MAKE, orders and trades with order ids, known 0.5 ms and more after they "
            "happened. " + _MADE_UP,
            _synthetic("synthetic_book", _synthetic_book),
        ),
    )
}
