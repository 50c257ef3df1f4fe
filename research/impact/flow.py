"""What impact is estimated from: trades with the mid before each, and bars of their net flow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.reference.calendar import is_bars, sessions
from framework.data.tape import Tape
from framework.data.tape.recording import Events, Recording
from framework.errors import InputError
from framework.schema.event import Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import NANOSECONDS_PER_SECOND
from framework.stages.features import LeeReady, market_table

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ALWAYS_OPEN = "24/7"
PAUSE_NS = 3_600 * NANOSECONDS_PER_SECOND
"""Where the market is always open, a silence longer than this parts the data in two: nothing is measured across it."""


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Taker orders of one instrument, as well as trades tell them.

    Attributes:
        symbol: of the instrument.
        ts_ns: local stamps, shape (n,).
        sign: +1 where the taker bought, -1 where it sold, shape (n,).
        size: units, shape (n,).
        price: mean over the order's trades, price units, shape (n,).
        log_mid: log of the mid known before the order, shape (n,).
        stretch: number of the session, or of the unbroken piece, shape (n,).
        quote_ns, quote_log_mid: every known mid, for bars, shape (rows,).
        stretches: first and last stamp of each stretch, shape (stretches, 2).
        days: trading days the data cover, a part of one where they are shorter.
        day_s: seconds a trading day has.
        half_spread: (ask - bid) / 2 / mid before the order, shape (n,).
        notes: what was left out or assumed.
    """

    symbol: str
    ts_ns: Ints
    sign: Floats
    size: Floats
    price: Floats
    log_mid: Floats
    stretch: Ints
    quote_ns: Ints
    quote_log_mid: Floats
    stretches: Ints
    days: float
    day_s: float
    half_spread: Floats
    notes: tuple[str, ...]

    @property
    def seconds_a_trade(self) -> float:
        """Mean time between orders of one stretch."""
        together = self.stretch[1:] == self.stretch[:-1]
        return float(np.diff(self.ts_ns)[together].mean()) / NANOSECONDS_PER_SECOND


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Equal pieces of time, whole ones only, in order; shapes (n,).

    Attributes:
        change: log mid at the end less at the begin.
        settled: log mid `settle` bars after the end less at the begin; NaN where the stretch has ended by then.
        net: bought less sold units.
        volume: units.
        paid: mean price on the side of the net flow over the mid at the begin, less 1; NaN where net is 0.
    """

    change: Floats
    settled: Floats
    net: Floats
    volume: Floats
    paid: Floats


def flow_of(source: Tape | Recording, symbol: str | None, *, day_hours: float | None, starts_empty: bool) -> Flow:
    """Read the trades of one instrument and the mids around them.

    Trades of one venue stamp and one sign, one after the other, are one order: what sweeps several orders of a book is told as several
    trades.
    Signs that the feed does not tell are Lee and Ready's (1991). Auction prints, what lies outside sessions, and trades before the first
    known mid are left out; the notes count them.

    Raises:
        InputError: no such symbol; no trades, or no mids beside them; bars as a calendar; day_hours not above 0.
    """
    recording, events, auctions = _without_auctions(source)
    table = market_table(recording, symbol, starts_empty=starts_empty)
    number = next(k for k, one in enumerate(recording.instruments) if symbol in (None, one.symbol))
    instrument = recording.instruments[number]
    table["venue_ns"] = table["ts_ns"]
    prints = (events["kind"] == Kind.TRADE) & (events["instrument"] == number)  # the table has a row for each, in this order
    table.loc[table["is_trade"], "venue_ns"] = events["ts_venue_ns"][prints]
    notes = list(recording.notes)
    if auctions:
        notes.append(f"{auctions:,} auction prints are left out.")
    table, stretch, stretches, day_s = _in_sessions(table, instrument, day_hours, notes)
    is_trade = table["is_trade"].to_numpy()
    if not is_trade.any():
        raise InputError(f"calibrate impact: {instrument.symbol} has no trades inside its sessions. Impact is measured from trades.")
    known = np.isfinite(table["mid"].to_numpy())
    if not (known & is_trade).any():
        raise InputError(
            f"calibrate impact: {instrument.symbol}: {_why_no_mid(events[events['instrument'] == number], starts_empty=starts_empty)}"
        )
    trades = table[is_trade]
    sign = trades["side"].to_numpy().astype(np.float64)
    untold = sign == 0.0
    if untold.any():
        sign[untold] = LeeReady().over(trades).to_numpy()[untold]
        notes.append(f"{int(untold.sum()):,} of {len(sign):,} trades tell no side; they are signed by Lee and Ready's rule.")
    usable = known[is_trade] & (sign != 0.0)
    if not usable.all():
        notes.append(f"{int((~usable).sum()):,} trades without a known mid or sign are left out.")
    kept, signs, where = trades[usable], sign[usable], stretch[is_trade][usable]
    first = _firsts(kept["venue_ns"].to_numpy(), signs)
    units = np.add.reduceat(kept["size"].to_numpy(), first)
    money = np.add.reduceat((kept["size"] * kept["price"]).to_numpy(), first)
    mid = table["mid"].to_numpy()[known]
    spread = ((kept["ask"] - kept["bid"]) / kept["mid"]).to_numpy()
    return Flow(
        symbol=instrument.symbol, ts_ns=kept["ts_ns"].to_numpy()[first], sign=signs[first], size=units, price=money / units,
        log_mid=np.log(kept["mid"].to_numpy()[first]), stretch=where[first],
        quote_ns=table["ts_ns"].to_numpy()[known], quote_log_mid=np.log(mid), stretches=stretches,
        days=float((stretches[:, 1] - stretches[:, 0]).sum()) / NANOSECONDS_PER_SECOND / day_s, day_s=day_s,
        half_spread=0.5 * spread[first], notes=tuple(notes),
    )  # fmt: skip


def bars_of(flow: Flow, bar_s: float, settle: int) -> Bars:
    """Cut every stretch into bars from its begin; what is left at its end is no bar."""
    width = round(bar_s * NANOSECONDS_PER_SECOND)
    made: list[tuple[NDArray[Any], ...]] = []
    for number, (begin, end) in enumerate(flow.stretches.tolist()):
        count = int((end - begin) // width)
        if count < 1:
            continue
        edges = begin + width * np.arange(count + 1, dtype=np.int64)
        # the first edge is the stamp of the stretch's first row, whose book may not be known yet
        at = np.searchsorted(flow.quote_ns, edges, side="right") - 1
        first = int(np.searchsorted(flow.quote_ns, begin))
        level = np.where(at >= first, flow.quote_log_mid[np.maximum(at, 0)], np.nan)
        later = np.append(level[1 + settle :], np.full(min(settle, count), np.nan))
        mine = (flow.stretch == number) & (flow.ts_ns < edges[-1])
        slot = ((flow.ts_ns[mine] - begin) // width).astype(np.int64)
        signed, size, price = flow.sign[mine] * flow.size[mine], flow.size[mine], flow.price[mine]
        net: Floats = np.bincount(slot, signed, count).astype(np.float64)
        with_net = flow.sign[mine] == np.sign(net)[slot]
        units = np.bincount(slot[with_net], size[with_net], count)
        money = np.bincount(slot[with_net], (size * price)[with_net], count)
        mean = np.divide(money, units, out=np.full(count, np.nan), where=units > 0.0)
        volume = np.bincount(slot, size, count).astype(np.float64)
        made.append((np.diff(level), later - level[:-1], net, volume, mean / np.exp(level[:-1]) - 1.0))
    if not made:
        raise InputError(
            f"calibrate impact: no stretch of {flow.symbol} is as long as one bar of {bar_s:g} s. Take shorter bars or more data."
        )
    columns = [np.concatenate(column) for column in zip(*made, strict=True)]
    return Bars(*(column[np.isfinite(columns[0])] for column in columns))


def _why_no_mid(events: Events, *, starts_empty: bool) -> str:
    """Why no trade has a mid before it, and what to do."""
    kinds, is_snapshot = events["kind"], (events["flags"] & int(Flag.CLEAR)) != 0
    depths, quotes = int((kinds == Kind.DEPTH).sum()), int((kinds == Kind.QUOTE).sum())
    if not depths and not quotes:
        return "there are no quotes or books beside its trades. Give data with both."
    if not quotes and not starts_empty and not ((kinds == Kind.DEPTH) & is_snapshot).any():
        return (
            f"its book is never known: {depths:,} DEPTH events and no snapshot among them, and no quotes. Give quotes or a snapshot beside "
            "them, or say that the book is empty at the start: starts_empty=True, --starts-empty."
        )
    return (
        f"no trade has a mid before it: {depths:,} DEPTH events and {quotes:,} quotes, but at each trade the book is unknown or a side "
        "of it empty. Give longer data; is their clock that of the trades?"
    )


def _without_auctions(source: Tape | Recording) -> tuple[Recording, Events, int]:
    """The same without auction prints, its events in memory, and how many prints there were."""
    events = source.events if isinstance(source, Tape) else source.events()
    is_auction = (events["kind"] == Kind.TRADE) & ((events["flags"] & int(Flag.AUCTION)) != 0)
    kept = events[~is_auction] if is_auction.any() else events

    def parts() -> Iterator[Events]:
        yield kept

    name = source.name if isinstance(source, Tape) else source.source
    return Recording(source.instruments, parts, name, source.notes), kept, int(is_auction.sum())


def _in_sessions(
    table: pd.DataFrame, instrument: Instrument, day_hours: float | None, notes: list[str]
) -> tuple[pd.DataFrame, Ints, Ints, float]:
    """The rows inside sessions, the number of the stretch of each, begins and ends of stretches, seconds of a day."""
    if day_hours is not None and not 0.0 < day_hours <= 24.0:
        raise InputError(f"calibrate impact: day_hours is {day_hours:g}; rule: above 0, at most 24.")
    if is_bars(instrument.calendar):
        raise InputError(f"calibrate impact: {instrument.symbol} has bars as its calendar; trades need an exchange's, or 24/7.")
    stamps = table["ts_ns"].to_numpy()
    if instrument.calendar == ALWAYS_OPEN:
        stretch = np.concatenate([[0], np.cumsum(np.diff(stamps) > PAUSE_NS)]).astype(np.int64)
        firsts = np.searchsorted(stretch, np.arange(stretch[-1] + 1))
        lasts = np.append(firsts[1:], len(stamps)) - 1
        if day_hours is None:
            notes.append("A day is taken for 24 hours, as its calendar is 24/7; say day_hours where the market has fewer.")
        return table, stretch, np.stack([stamps[firsts], stamps[lasts]], axis=1), (day_hours or 24.0) * 3_600.0
    opens, closes = sessions(instrument.calendar, int(stamps[0]), int(stamps[-1]) + 1)
    number = np.searchsorted(opens, stamps, side="right") - 1
    inside = (number >= 0) & (stamps <= closes[np.maximum(number, 0)])
    if not inside.any():
        raise InputError(f"calibrate impact: nothing of {instrument.symbol} lies inside the sessions of {instrument.calendar}.")
    if not inside.all():
        notes.append(
            f"{int((~inside).sum()):,} of {len(stamps):,} rows lie outside the sessions of {instrument.calendar} and are left out."
        )
    numbers, stretch = np.unique(number[inside], return_inverse=True)
    kept = stamps[inside]
    ends = np.array([[kept[stretch == k][0], kept[stretch == k][-1]] for k in range(len(numbers))], dtype=np.int64)
    day_s = float(np.median(closes[numbers] - opens[numbers])) / NANOSECONDS_PER_SECOND
    return table[inside], stretch.astype(np.int64), ends, day_hours * 3_600.0 if day_hours is not None else day_s


def _firsts(stamps: Ints, sign: Floats) -> Ints:
    """Where an order begins: trades of one stamp and one sign, one after the other, are one."""
    is_new = np.concatenate([[True], (np.diff(stamps) != 0) | (np.diff(sign) != 0.0)])
    return np.flatnonzero(is_new).astype(np.int64)
