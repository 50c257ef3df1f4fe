"""What a run is compared with: levels, or an instrument of its data held all along."""

from __future__ import annotations

import numpy as np
import pandas as pd

from framework.data.tape import Tape
from framework.schema.event import Kind
from framework.schema.instrument import Instrument


def benchmark_levels(benchmark: str | pd.Series | None, tape: Tape) -> pd.Series | None:
    """The levels that `backtest(benchmark=...)` means: those given, or the total return of a symbol of the tape."""
    return total_return(tape, benchmark) if isinstance(benchmark, str) else benchmark


def total_return(tape: Tape, symbol: str) -> pd.Series:
    """Levels of one unit of money held in an instrument, dividends reinvested at the ex-date's close; index of its bars."""
    number = tape.index(symbol)
    instrument: Instrument = tape.instruments[number]
    events = tape.events[tape.events["instrument"] == number]
    stamps, levels, level, before = [], [], 1.0, np.nan
    new, old, dividend = 1, 1, 0.0
    for event in events[np.isin(events["kind"], (Kind.BAR, Kind.SPLIT, Kind.DIVIDEND))]:
        if event["kind"] == Kind.SPLIT:
            new, old = new * int(event["w0"]), old * int(event["w1"])
        elif event["kind"] == Kind.DIVIDEND:
            dividend += int(event["w0"]) * 1e-9
        else:
            close = instrument.tick.to_float(int(event["w3"]))
            if np.isfinite(before):
                level *= (close + dividend) * new / old / before
            stamps.append(int(event["ts_local_ns"]))
            levels.append(level)
            before, new, old, dividend = close, 1, 1, 0.0
    return pd.Series(levels, index=pd.to_datetime(stamps, utc=True), name=symbol)
