"""What a strategy sees at a wake: the market's past as of now, and its own account and orders.

Everything is read from the trader half's records in place. Prices are floats in price units, quantities floats in units
(shares), money in the base currency. `instrument` is a symbol.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework.engine.declared_rows import rows
from framework.engine.failures import too_many_bars, unknown_instrument, unknown_order
from framework.engine.market import Bars, MarketEvent, OrderView, Quote, Terms
from framework.engine.world import Wake
from framework.errors import InputError, did_you_mean
from framework.kernel.layout import codes
from framework.kernel.layout.account_records import POSITION
from framework.kernel.layout.half import Half
from framework.kernel.layout.market_records import MARKS
from framework.kernel.layout.roots import TRADER
from framework.kernel.layout.table_room import KEPT_ORDERS
from framework.kernel.trader import trader_calls
from framework.kernel.trader.trader import Trader
from framework.schema.event import EVENT, Kind
from framework.schema.order import ORDER
from framework.schema.stance import Stance

_mean_close = trader_calls.mean_close  # looked up once: it is asked on every bar
_NAN = math.nan
_ROOT_WORD = {name: TRADER.fields[name][1] // 8 for name in ("now_ns", "orders_count")}  # type: ignore[index]
_MARKS_WORD = {name: MARKS.fields[name][1] // 8 for name in MARKS.names}  # type: ignore[index, union-attr]
_POSITION_WORD = {name: POSITION.fields[name][1] // 8 for name in POSITION.names}  # type: ignore[index, union-attr]
_MARKS_WORDS, _POSITION_WORDS = MARKS.itemsize // 8, POSITION.itemsize // 8
_NOW, _ORDERS = _ROOT_WORD["now_ns"], _ROOT_WORD["orders_count"]
_ORDER_BYTES, _STATE = ORDER.itemsize, ORDER.fields["state"][1]  # type: ignore[index]
_BARS, _SEEN, _MARK = _MARKS_WORD["bars"], _MARKS_WORD["seen_ns"], _MARKS_WORD["mark_ticks"]
_LOTS, _MARKET_LOTS, _REDUCING_LOTS = (_POSITION_WORD[name] for name in ("lots", "market_lots", "reducing_lots"))
_FIRST_END, _LAST_END = codes.S_FILLED, codes.S_REFUSED
_EVENT_WORDS = EVENT.itemsize // 8
_BAR_FIELDS = ("open", "high", "low", "close", "volume")


class Reading:
    """The readable side of the trader half of one run.

    Attributes:
        wake: the wake it points at.
    """

    def __init__(self, trader: Trader, *, uses_numbers: bool = False, owner: int | None = None) -> None:
        self._trader = trader
        self._of_owner = owner  # which of several strategies; None where there is one
        self._account: Half = trader if owner is None else trader.accounts[owner]
        self._uses_numbers = uses_numbers
        self.wake = Wake()
        self._symbols = tuple(instrument.symbol for instrument in trader.instruments)
        self._index: dict[str | int, int] = {symbol: i for i, symbol in enumerate(self._symbols)}
        if uses_numbers:
            self._index |= {i: i for i in range(len(self._symbols))}
        self._record, self._address = trader.record, trader.address
        self._root = trader.words
        self._mark_words = _words(trader.tables["marks"], np.int64)
        self._mark_floats = _words(trader.tables["marks"], np.float64)
        self._positions = _words(self._account.tables["positions"], np.int64)
        self._orders, self._order_bytes = trader.tables["orders"], _words(trader.tables["orders"], np.uint8)
        self._mask = int(trader.record["history_mask"][0])
        self._names: tuple[Any, ...] = tuple(range(len(self._symbols))) if uses_numbers else self._symbols
        nowhere: Any = -1 if uses_numbers else ""
        self._nowhere = nowhere

    @cached_property
    def _ticks(self) -> tuple[tuple[int, int], ...]:
        return tuple((i.tick.numerator, i.tick.denominator) for i in self._trader.instruments)

    @cached_property
    def _lots(self) -> tuple[tuple[int, int], ...]:
        return tuple((i.lot.numerator, i.lot.denominator) for i in self._trader.instruments)

    @cached_property
    def _terms(self) -> tuple[Terms, ...]:
        return tuple((name, *tick, *lot) for name, tick, lot in zip(self._names, self._ticks, self._lots, strict=True))

    @cached_property
    def _held_of(self) -> dict[str | int, tuple[int, int, int, int, int]]:
        """By instrument: where its lots stand, those of its working market orders, those that only reduce; and its lot."""
        first = {name: i * _POSITION_WORDS for name, i in self._index.items()}
        return {name: (at + _LOTS, at + _MARKET_LOTS, at + _REDUCING_LOTS, *self._lots[self._index[name]]) for name, at in first.items()}

    # -- time and names

    @property
    def now_ns(self) -> int:
        """Stamp of the last applied event, nanoseconds UTC."""
        return self._root[_NOW]

    @property
    def now(self) -> dt.datetime:
        """Stamp of the last applied event, UTC, to the microsecond."""
        return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=self._root[_NOW] // 1000)

    @property
    def instruments(self) -> tuple[str, ...]:
        """Every symbol of the run, sorted (their numbers, for strategies that use numbers)."""
        return self._names

    def number(self, instrument: str) -> int:
        """The number of an instrument; an unknown one is an InputError naming near ones."""
        try:
            return self._index[instrument]
        except KeyError:
            if self._uses_numbers:
                raise InputError(unknown_instrument(instrument, len(self._symbols))) from None
            raise InputError(f"unknown instrument {instrument!r}. {did_you_mean(str(instrument), self._symbols)}") from None

    def tick(self, instrument: str) -> float:
        """The smallest step of a price."""
        up, down = self._ticks[self.number(instrument)]
        return up / down

    def lot(self, instrument: str) -> float:
        """The smallest step of a quantity."""
        up, down = self._lots[self.number(instrument)]
        return up / down

    def round_price(self, instrument: str, price: float) -> float:
        """The nearest price that orders may carry."""
        up, down = self._ticks[self.number(instrument)]
        return round(price * down / up) * up / down

    # -- market, as of now

    def price(self, instrument: str) -> float:
        """The mark: last close, or mid of the last quote; NaN before the first."""
        i = self.number(instrument)
        if self._mark_words[i * _MARKS_WORDS + _SEEN] == 0:
            return _NAN
        up, down = self._ticks[i]
        return self._mark_floats[i * _MARKS_WORDS + _MARK] * up / down

    def bar_count(self, instrument: str) -> int:
        """How many bars of the instrument were seen."""
        return self._mark_words[self.number(instrument) * _MARKS_WORDS + _BARS]

    def mean_close(self, instrument: str, bars: int) -> float:
        """Mean of the last `bars` closes, as of now adjusted for splits and dividends; NaN while there are fewer.

        The sum is exact (whole ticks) until the first adjustment, so two means that should tie do tie.
        """
        try:
            mean: float = _mean_close(self._address, self._index[instrument], bars)
        except KeyError:
            self.number(instrument)  # names near ones
            raise
        return mean if mean == mean else self._too_few(bars)

    def std_close(self, instrument: str, bars: int) -> float:
        """Sample standard deviation (ddof 1) of the last `bars` adjusted closes; NaN while there are fewer, or fewer than two."""
        if bars > self._mask + 1 or bars < 1:
            return self._too_few(bars)
        return float(trader_calls.deviation(self._address, self.number(instrument), bars))

    def closes(self, instrument: str, bars: int) -> NDArray[np.float64]:
        """The last `bars` adjusted closes, oldest first, shape (k,) with k = bars or what there is; a copy."""
        return self.past(instrument, bars, "close")

    def past(self, instrument: str, bars: int, field: str) -> NDArray[np.float64]:
        """Like `closes` for open, high, low, close (price units) or volume (units)."""
        if field not in _BAR_FIELDS:
            raise InputError(f"unknown field {field!r}. {did_you_mean(field, _BAR_FIELDS)}")
        i = self.number(instrument)
        count = self._mark_words[i * _MARKS_WORDS + _BARS]
        if bars < 1 or bars > self._mask + 1:
            self._too_few(bars)
        k = min(bars, count)
        places = i * (self._mask + 1) + (np.arange(count - k, count) & self._mask)
        values: NDArray[np.float64] = self._trader.tables["history"][field][places]
        up, down = self._lots[i] if field == "volume" else self._ticks[i]
        scaled = values * up / down
        return rows(scaled) if self._uses_numbers else scaled

    def _too_few(self, bars: int) -> float:
        if not 1 <= bars <= self._mask + 1:
            raise InputError(too_many_bars(bars, self._mask + 1))
        return _NAN

    @property
    def quote(self) -> Quote:
        """The quote of this wake."""
        i = self.wake.instrument
        return Quote(self._names[i], self._trader.tables["marks"][i], self._trader.instruments[i])

    def bars_now(self) -> Any:
        """The bars of the present stamp: by symbol, sorted; a list in that order for strategies that use numbers."""
        bars = Bars(self.wake.tape, self.wake.row, self._root[_NOW], self._terms)  # the wake is at the last bar of the stamp
        return list(bars.values()) if self._uses_numbers else bars

    @property
    def event(self) -> MarketEvent:
        """The market event this EVENT wake tells of; one that stands in no tape has a row of the log, see `order_wake`."""
        row, words = self.wake.row, self.wake.tape
        if row < 0:
            row, words = -1 - row, _words(self._trader.tables["log"], np.int64)
        stamp, _, packed, w0, w1, w2, w3, w4 = words[row * _EVENT_WORDS : (row + 1) * _EVENT_WORDS].tolist()
        kind, flags, number = Kind(packed & 0xFFFF), (packed >> 16) & 0xFFFF, (packed >> 32) & 0xFFFFFFFF
        if number < len(self._names):
            return MarketEvent(kind, self._names[number], stamp, flags, (w0, w1, w2, w3, w4), self._terms[number][1:])
        return MarketEvent(kind, self._nowhere, stamp, flags, (w0, w1, w2, w3, w4))

    # -- account

    def position(self, instrument: str) -> float:
        """Signed quantity held."""
        i = self.number(instrument)
        up, down = self._lots[i]
        return self._positions[i * _POSITION_WORDS + _LOTS] * up / down

    def stance(self, instrument: str) -> Stance:
        """How far the instrument may be traded: the severest stance of itself, the strategy, the account and the firm."""
        return Stance(trader_calls.stance(self._address, self.number(instrument)))

    def is_done(self, order_id: int) -> bool:
        """Whether an order has ended."""
        if 0 <= order_id < self._root[_ORDERS] and self._trader.tables["orders"] is self._orders and self._of_owner is None:
            state = self._order_bytes[order_id * _ORDER_BYTES + _STATE]  # the common case, without a call
        else:
            self._known(order_id)
            state = self._state_of(order_id)
        return _FIRST_END <= state <= _LAST_END or state == codes.S_NONE  # memory has let it go

    def filled_quantity(self, order_id: int) -> float:
        """What of an order was filled."""
        row = self._readable(order_id)
        up, down = self._lots[int(row["instrument"])]
        return int(row["filled_lots"]) * up / down

    @property
    def positions(self) -> Mapping[str, float]:
        """Signed quantity of every instrument that is held; by symbol (by number, for strategies that use numbers)."""
        held = np.flatnonzero(self._account.tables["positions"]["lots"])
        return {self._names[i]: self.position(self._names[i]) for i in held.tolist()}

    def average_price(self, instrument: str) -> float:
        """Average price paid for what is open (FIFO), slippage included, harmonic where inverse; NaN without a position."""
        i = self.number(instrument)
        row = self._account.tables["positions"][i]
        up, down = self._ticks[i]
        if not row["lots"]:
            return _NAN
        at_basis = float(row["cost"] / row["lots"])
        return (-1.0 / at_basis if self._trader.instruments[i].inverse else at_basis) * up / down

    def unrealised_pnl(self, instrument: str) -> float:
        """Money made on what is open, since it was opened, in the instrument's settlement currency."""
        i = self.number(instrument)
        row = self._account.tables["positions"][i]
        if not row["lots"]:
            return 0.0
        mark, terms = float(self._mark_floats[i * _MARKS_WORDS + _MARK]), self._trader.instruments[i]
        return float((row["lots"] * (-1.0 / mark if terms.inverse else mark) - row["cost"]) * terms.point_value)

    def realised_pnl(self, instrument: str) -> float:
        """Money made on what was closed, fees not deducted, in the instrument's currency."""
        return float(self._account.tables["positions"]["realised"][self.number(instrument)])

    @property
    def equity(self) -> float:
        """Cash and positions at the present marks."""
        return float(trader_calls.valuation(self._address)[0])

    @property
    def cash(self) -> float:
        """Cash of all currencies at the present rates."""
        return float(trader_calls.valuation(self._address)[1])

    @property
    def firm_gross(self) -> float:
        """Gross exposure of all accounts of the firm as last told, NaN before that; see `backtest_accounts`."""
        return float(self._trader.record["firm_gross"][0])

    @property
    def firm_net(self) -> float:
        """The same of net exposure: longs less shorts."""
        return float(self._trader.record["firm_net"][0])

    @property
    def firm_equity(self) -> float:
        """The same of equity."""
        return float(self._trader.record["firm_equity"][0])

    def cash_in(self, currency: str) -> float:
        """Cash of one currency, in that currency."""
        names = self._trader.currencies
        if currency not in names:
            raise InputError(f"unknown currency {currency!r}. {did_you_mean(currency, names)}")
        return float(self._account.tables["money"]["cash"][names.index(currency)])

    def order_state(self, order_id: int) -> OrderView:
        """An order as it stands, a copy."""
        row = self._readable(order_id)
        number = int(row["instrument"])
        return OrderView.of(row, self._names[number], self._trader.instruments[number])

    def working_orders(self, instrument: str | None = None) -> tuple[OrderView, ...]:
        """Every order that has not ended, oldest first; empty, so false, where there is none."""
        alive = self._trader.living_orders()
        if instrument is not None:
            numbers, wanted = self._trader.tables["orders"]["instrument"], self.number(instrument)
            alive = [order_id for order_id in alive if numbers[order_id] == wanted]
        if self._of_owner is not None:
            owners = self._trader.tables["orders"]["owner"]
            alive = [order_id for order_id in alive if owners[order_id] == self._of_owner]
        return tuple(self.order_state(order_id) for order_id in alive)

    @property
    def order_event(self) -> OrderView:
        """The order this ORDER wake tells of."""
        return self.order_state(int(self._trader.tables["log"]["w0"][self.wake.row]))

    def market_value(self, instrument: str) -> float:
        """Market value of a position (of a derivative: its notional) in the base currency, negative when short, 0 without one."""
        i = self.number(instrument)
        lots = self._positions[i * _POSITION_WORDS + _LOTS]
        if lots == 0:
            return 0.0
        terms = self._trader.instruments[i]
        rate = float(self._trader.tables["money"]["fx_rate"][self._trader.currencies.index(terms.settlement_currency)])
        mark = self._mark_floats[i * _MARKS_WORDS + _MARK]
        return (lots / mark if terms.inverse else lots * mark) * terms.point_value * rate

    def _known(self, order_id: int) -> None:
        if not 0 <= order_id < self._root[_ORDERS]:
            raise InputError(unknown_order(order_id, self._root[_ORDERS]))
        row = self._trader.tables["orders"][order_id]  # empty where memory has let it go
        if self._of_owner is not None and row["state"] != codes.S_NONE and row["owner"] != self._of_owner:
            raise InputError(
                f"order {order_id} is another strategy's; rule: a strategy sees its own orders. Keep the ids that `view` returns"
            )

    def _readable(self, order_id: int) -> np.void:
        """The row of an order that is alive or among the last; one that ended before is not read, whether memory still has it or not."""
        self._known(order_id)
        row: np.void = self._trader.tables["orders"][order_id]
        count = self._root[_ORDERS]
        if order_id < count - KEPT_ORDERS and self.is_done(order_id) and row["done_ns"] < self._root[_NOW]:
            raise InputError(unknown_order(order_id, count))
        return row

    def _state_of(self, order_id: int) -> int:
        orders = self._trader.tables["orders"]
        if orders is not self._orders:  # the table has grown
            self._orders, self._order_bytes = orders, _words(orders, np.uint8)
        return self._order_bytes[order_id * _ORDER_BYTES + _STATE]


def _words(rows: NDArray[np.void], kind: type[np.generic]) -> memoryview:
    """A table as a flat memoryview of words or bytes, the fastest thing to index from Python."""
    return memoryview(rows.view(kind))  # type: ignore[arg-type]  # numpy's stubs hide the buffer of an array
