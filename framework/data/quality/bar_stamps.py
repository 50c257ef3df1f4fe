"""What the stamps of bars are, verified against finer data: opens or closes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from framework.data.quality.session_rules import interval_of
from framework.data.quality.stretches import Floats, Ints
from framework.data.tape.recording import Events, Recording
from framework.data.tape.stamps import DAILY_FROM_NS
from framework.errors import DataError, did_you_mean
from framework.schema.event import Kind
from framework.schema.instrument import Instrument

Verdict = Literal["close", "open", "ambiguous"]

LEAST_BARS = 10
"""Fewer bars with finer rows on both sides are no proof."""
MOST_BARS = 50_000
"""Bars looked at, from the first that finer rows surround."""
DECIDED = 0.9
"""Share of the bars that must fit one side; the other side must fit less than half as often."""
NEAR_TICKS = 0.5
"""A price of a bar is that of the finer rows if they are less than half a tick apart."""


@dataclass(frozen=True, slots=True)
class StampProof:
    """What finer data say about the stamps of bars.

    Attributes:
        verdict: "close", "open", or "ambiguous" where neither is proved.
        bars: how many were compared.
        as_close, as_open: shares of them whose high and low are those of the finer rows before, or after, the stamp.
    """

    symbol: str
    verdict: Verdict
    bars: int
    as_close: float
    as_open: float

    def __str__(self) -> str:
        return (
            f"{self.symbol}: of {self.bars:,} bars {100 * self.as_close:.1f} % have the high and low of the interval before their stamp "
            f"and {100 * self.as_open:.1f} % those of the interval after it"
        )


def verify_bar_stamps(bars: Recording, finer: Recording, *, symbol: str | None = None) -> StampProof:
    """Compare the high and low of each bar with those of the finer rows in the interval before and in the interval after its stamp.

    Args:
        bars: with BAR events shorter than a day, stamped as is to be proved.
        finer: TRADE, QUOTE (its mid) or shorter BAR events of the same instrument, stamped when they could be known.
        symbol: of both; needed where there are several instruments.

    Raises:
        DataError: no such instrument, no bars, daily bars, or no finer rows on both sides of any bar.

    Assumptions: both feeds hold the same trades. Bars of one venue against trades of all of them fit nowhere, which is ambiguous.
    """
    instrument, rows = _rows(bars, symbol)
    table = rows.get(Kind.BAR)
    if table is None or len(table) < 3:
        raise DataError(f"{bars.source}: fewer than three bars of {instrument.symbol}; there is nothing to verify.")
    stamps = np.ascontiguousarray(table["ts_local_ns"])
    interval = interval_of(stamps, instrument.bar_interval_ns)
    if not interval or interval >= DAILY_FROM_NS:
        raise DataError(f"{bars.source}: {instrument.symbol} has daily bars, or no usual spacing; rule: bars shorter than a day.")
    when, highs, lows = _levels(finer, symbol or (instrument.symbol if len(finer.instruments) > 1 else None), interval)
    covered = np.flatnonzero((stamps - interval >= when[0] - interval) & (stamps + interval <= when[-1] + interval))[:MOST_BARS]
    sides = [_extremes(when, highs, lows, stamps[covered] + shift, interval) for shift in (0, interval)]
    both = np.logical_and.reduce([np.isfinite(side[0]) for side in sides])
    if not both.any():
        raise DataError(f"{bars.source}: no bar has rows of {finer.source} on both sides of its stamp. Give finer data of the same days.")
    near = NEAR_TICKS * instrument.tick.size
    high, low = (instrument.tick.to_floats(table[word][covered])[both] for word in ("w1", "w2"))
    as_close, as_open = (float(((np.abs(side[0][both] - high) < near) & (np.abs(side[1][both] - low) < near)).mean()) for side in sides)
    verdict: Verdict = "ambiguous"
    if both.sum() >= LEAST_BARS and max(as_close, as_open) >= DECIDED and min(as_close, as_open) < max(as_close, as_open) / 2:
        verdict = "close" if as_close > as_open else "open"
    return StampProof(instrument.symbol, verdict, int(both.sum()), as_close, as_open)


def closed_bars(bars: Recording, finer: Recording, *, symbol: str | None = None) -> Recording:
    """The bars stamped at their closes, as finer data prove; the notes say which they were.

    Raises:
        DataError: the finer data prove neither, with the numbers; and as `verify_bar_stamps`.
    """
    proof = verify_bar_stamps(bars, finer, symbol=symbol)
    if proof.verdict == "ambiguous":
        raise DataError(
            f"{bars.source}: {proof}; rule: at least {100 * DECIDED:g} % on one side, less than half of that on the other, over "
            f"{LEAST_BARS} bars. What the stamps are is not proved: give finer data of the same feed, or say bar_stamp= knowingly."
        )
    said = f"Stamps verified against {finer.source}: {proof}."
    if proof.verdict == "close":
        return Recording(bars.instruments, bars.parts, bars.source, (*bars.notes, said))
    instrument, rows = _rows(bars, symbol)
    position = bars.instruments.index(instrument)
    if len(bars.instruments) > 1:
        raise DataError(f"{bars.source}: several instruments, and {instrument.symbol} is stamped at its opens. Read it by itself.")
    interval = interval_of(np.ascontiguousarray(rows[Kind.BAR]["ts_local_ns"]), instrument.bar_interval_ns)

    def parts() -> Iterator[Events]:
        for part in bars.parts():
            moved = part.copy()
            mine = (moved["instrument"] == position) & (moved["kind"] == Kind.BAR)
            for word in ("ts_local_ns", "ts_venue_ns"):
                moved[word][mine] += interval
            yield moved

    return Recording(bars.instruments, parts, bars.source, (*bars.notes, f"{said} They were opens and are moved to the closes."))


def _rows(recording: Recording, symbol: str | None) -> tuple[Instrument, dict[Kind, Events]]:
    symbols = [instrument.symbol for instrument in recording.instruments]
    if symbol is None and len(symbols) == 1:
        symbol = symbols[0]
    if symbol not in symbols:
        raise DataError(f"{recording.source}: which instrument? Got {symbol!r}. {did_you_mean(str(symbol), symbols)}")
    position = symbols.index(symbol)
    found: dict[Kind, list[Events]] = {}
    for part in recording.parts():
        mine = part[part["instrument"] == position]
        for code in np.unique(mine["kind"]).tolist():
            found.setdefault(Kind(code), []).append(mine[mine["kind"] == code])
    return recording.instruments[position], {kind: np.concatenate(parts) for kind, parts in found.items()}


def _levels(finer: Recording, symbol: str | None, interval: int) -> tuple[Ints, Floats, Floats]:
    """Stamps, highs and lows of the finer rows; a trade is high and low at once."""
    instrument, rows = _rows(finer, symbol)
    for kind in (Kind.TRADE, Kind.BAR, Kind.QUOTE):
        table = rows.get(kind)
        if table is None:
            continue
        stamps = np.ascontiguousarray(table["ts_local_ns"])
        if kind is Kind.BAR:
            length = interval_of(stamps, instrument.bar_interval_ns)
            if length * 2 > interval:
                raise DataError(
                    f"{finer.source}: bars of {length / 1e9:g} s; rule: at most half of the {interval / 1e9:g} s to be verified."
                )
            return stamps, instrument.tick.to_floats(table["w1"]), instrument.tick.to_floats(table["w2"])
        prices = instrument.tick.to_floats(table["w0"] if kind is Kind.TRADE else table["w0"] + table["w1"])
        return stamps, *((prices, prices) if kind is Kind.TRADE else (prices / 2, prices / 2))
    raise DataError(f"{finer.source}: no trades, bars or quotes of {instrument.symbol}.")


def _extremes(when: Ints, highs: Floats, lows: Floats, ends: Ints, interval: int) -> tuple[Floats, Floats]:
    """Highest and lowest of the rows with end - interval < stamp <= end, NaN where there is none."""
    edges = np.searchsorted(when, np.column_stack([ends - interval, ends]).ravel(), side="right")
    padded = np.append(edges, len(when))
    top, bottom = np.full(len(ends), np.nan), np.full(len(ends), np.nan)
    some = edges[1::2] > edges[::2]
    top[some] = np.maximum.reduceat(np.append(highs, -np.inf), padded)[:-1:2][some]
    bottom[some] = np.minimum.reduceat(np.append(lows, np.inf), padded)[:-1:2][some]
    return top, bottom
