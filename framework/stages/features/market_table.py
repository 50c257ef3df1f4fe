"""A market table: what one instrument's books, quotes and trades were, a row each, for features and for pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.tape import Tape
from framework.data.tape.recording import Recording
from framework.errors import InputError, did_you_mean
from framework.kernel.layout.codes import DEPTH, F_BUY, F_LAST, F_SELL, GAP, TRADE_TICK
from framework.kernel.layout.roots import trader_row
from framework.kernel.market.book_memory import Ticks
from framework.kernel.market.order_book import depth_of, level_of, next_level, see_depth
from framework.kernel.trader.trader import Trader
from framework.schema.event import Kind
from framework.schema.instrument import Instrument, InstrumentKind
from framework.stages.features.feature import at_least, feature_kernel

_OWN = 5
"""Words of a row before its levels: stamp, is it a trade, side, price, lots. A level is four: bid, lots, ask, lots."""


@feature_kernel
def _see_book(t: Any, depth: Any, best: Any) -> None:
    """The best levels of a known book are the fresher ones now."""
    for side, word in ((1, 0), (-1, 2)):
        price = next_level(depth, side, 0)
        best[word], best[word + 1] = price, level_of(t, depth, side, price).lots if price != 0 else 0


@feature_kernel
def _write_book(t: Any, row: Any, best: Any, levels: int) -> None:
    """The best prices, and the levels of the book that stand behind them; 0 where there is none."""
    depth = depth_of(t, 0)
    for side, word in ((1, 0), (-1, 2)):
        price = best[word]
        row[_OWN + word], row[_OWN + word + 1] = price, best[word + 1]
        if price == 0 or depth.bids == 0 or depth.is_known == 0:
            continue
        price = min(price, depth.low + depth.mask + 1) if side > 0 else max(price, depth.low - 1)  # a quote may lie outside its window
        for k in range(1, levels):
            price = next_level(depth, side, price)
            if price == 0:
                break
            row[_OWN + word + 4 * k], row[_OWN + word + 4 * k + 1] = price, level_of(t, depth, side, price).lots


@feature_kernel
def _fill_table(trader: int, events: Any, out: Any, best: Any, levels: int) -> int:
    """Apply events; returns how many rows there are then. `best`: bid, its lots, ask, its lots, by the quote or message published last."""
    t = trader_row(trader, 0)
    depth, count = depth_of(t, 0), 0
    for k in range(len(events)):
        event = events[k]
        kind = event.kind
        if kind == TRADE_TICK:
            side = 1 if event.flags & F_BUY else (-1 if event.flags & F_SELL else 0)
            out[count, 1], out[count, 2], out[count, 3], out[count, 4] = 1, side, event.w0, event.w1
        elif kind == DEPTH:
            see_depth(t, depth, event)
            if event.flags & F_LAST == 0:
                continue
            if depth.is_known != 0:
                _see_book(t, depth, best)
        elif kind == GAP:
            if depth.bids != 0:
                see_depth(t, depth, event)
            best[0], best[1], best[2], best[3] = 0, 0, 0, 0
        else:
            best[0], best[1], best[2], best[3] = event.w0, event.w2, event.w1, event.w3
        out[count, 0] = event.ts_local_ns
        _write_book(t, out[count], best, levels)
        count += 1
    return count


def market_table(source: Tape | Recording, symbol: str | None = None, *, levels: int = 1, starts_empty: bool = False) -> pd.DataFrame:
    """The books and trades of one instrument, a row for each message of its book, each quote and each trade.

    Args:
        source: with DEPTH, QUOTE or TRADE events; a recording is read into memory.
        symbol: may be left out where there is one instrument.
        levels: of the book, from the best; quotes have one.
        starts_empty: True where the book is known, and empty, before its first snapshot.

    Returns:
        A frame with a UTC index "ts" of local stamps (when it could be known) and the columns

            ts_ns                       the same stamp, int64
            is_trade                    whether the row is a trade, else a change of the book
            side, price, size           of a trade: +1 the buyer took, -1 the seller, 0 not told; price units; units. NaN and 0 else
            bid, bid_size, ask, ask_size    best prices and their sizes after the event, price units and units; where there are quotes
                                        beside a book, those of whichever was published last
            bid_2, bid_size_2, ...      the levels of the book behind them, as many as asked for
            mid                         (bid + ask) / 2
            signed_size                 side x size, 0 on rows that are no trade

        Prices that are not there, in an empty or an unknown book, are NaN, and their sizes are NaN too. After a GAP nothing is known
        until the next snapshot or quote. A trade's row has the book as it was published before the trade.

    Raises:
        InputError: no such symbol, several and none named, or no books, quotes or trades of it.
    """
    at_least("levels", levels, 1)
    number, instrument = _chosen(source, symbol)
    events = source.events if isinstance(source, Tape) else source.events()
    kinds = (Kind.QUOTE, Kind.TRADE, Kind.DEPTH, Kind.GAP)
    mine: NDArray[np.void] = events[(events["instrument"] == number) & np.isin(events["kind"], kinds)]
    if not len(mine):
        raise InputError(f"market_table: {instrument.symbol} has no books, quotes or trades. Features of bars need no table.")
    trader = _trader(instrument, mine, starts_empty=starts_empty)
    out: NDArray[np.int64] = np.zeros((len(mine), _OWN + 4 * levels), dtype=np.int64)
    best: NDArray[np.int64] = np.zeros(4, dtype=np.int64)
    count = _fill_table(trader.address, mine, out, best, levels)
    if trader.record["broken"][0]:
        raise trader.breakage()
    return _frame(out[:count], instrument, levels)


def _chosen(source: Tape | Recording, symbol: str | None) -> tuple[int, Instrument]:
    names = [instrument.symbol for instrument in source.instruments]
    if symbol is None and len(names) == 1:
        return 0, source.instruments[0]
    if symbol is None:
        raise InputError(f"market_table: {len(names)} instruments; name one. {did_you_mean('', names)}")
    if symbol not in names:
        raise InputError(f"market_table: no instrument {symbol!r}. {did_you_mean(symbol, names)}")
    return names.index(symbol), source.instruments[names.index(symbol)]


def _trader(instrument: Instrument, events: NDArray[np.void], *, starts_empty: bool) -> Trader:
    """A trader half that only watches: it keeps the book as a run would."""
    events["instrument"] = 0  # `events` is a selection, which is a copy
    depth = events[events["kind"] == Kind.DEPTH]
    spans = {0: (int(depth["w0"].min()), int(depth["w0"].max()))} if len(depth) else {}
    return watcher(instrument, spans, has_orders=bool((depth["w2"] != 0).any()), starts_empty=starts_empty)


def watcher(instrument: Instrument, spans: dict[int, tuple[int, int]], *, has_orders: bool, starts_empty: bool) -> Trader:
    """A trader half of one instrument, number 0; `spans`: lowest and highest price of its book, empty where there is none."""
    currencies = (instrument.currency, *((instrument.base_currency,) if instrument.kind is InstrumentKind.FX else ()))
    return Trader(
        (instrument,),
        currencies=currencies,
        calendars=(instrument.calendar,),
        base_currency=instrument.currency,
        cash=0.0,
        costs={},
        risk={},
        history=2,
        ticks=Ticks(spans, has_orders=has_orders, starts_empty=starts_empty),
    )


def _frame(rows: NDArray[np.int64], instrument: Instrument, levels: int) -> pd.DataFrame:
    is_trade = rows[:, 1] == 1
    columns: dict[str, NDArray[Any]] = {"ts_ns": rows[:, 0].copy(), "is_trade": is_trade, "side": rows[:, 2].copy()}
    columns["price"] = np.where(is_trade, instrument.tick.to_floats(rows[:, 3]), np.nan)
    columns["size"] = instrument.lot.to_floats(rows[:, 4])
    for k in range(levels):
        suffix = f"_{k + 1}" if k else ""
        for name, word in (("bid", _OWN + 4 * k), ("ask", _OWN + 4 * k + 2)):
            is_there = rows[:, word] != 0
            columns[f"{name}{suffix}"] = np.where(is_there, instrument.tick.to_floats(rows[:, word]), np.nan)
            columns[f"{name}_size{suffix}"] = np.where(is_there, instrument.lot.to_floats(rows[:, word + 1]), np.nan)
    columns["mid"] = 0.5 * (columns["bid"] + columns["ask"])
    columns["signed_size"] = columns["side"] * columns["size"]
    index = pd.DatetimeIndex(rows[:, 0].astype("datetime64[ns]"), tz="UTC", name="ts")
    return pd.DataFrame(columns, index=index)
