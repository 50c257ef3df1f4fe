"""What a strategy sees and does at a wake: the past as of now, its own account, and the words to order with.

Everything is read from the trader half's records in place. Prices are floats in price units, quantities floats in units
(shares), money in the base currency. `instrument` is a symbol.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from framework.engine.market import Bar, MarketEvent, OrderView, Quote
from framework.engine.timers import Timers
from framework.engine.world import Decision, Wake
from framework.errors import InputError, did_you_mean
from framework.kernel import codes, entry
from framework.kernel.halves import Trader
from framework.kernel.records import BOOK, PAST_BAR, POSITION, TRADER
from framework.schema.event import Kind
from framework.schema.order import OrderFlag, OrderType, Reason, Refused, Side, TimeInForce

_NAN = math.nan
_ROOT_WORD = {name: TRADER.fields[name][1] // 8 for name in ("now_ns", "outbox_count", "history_mask")}  # type: ignore[index]
_BOOK_WORD = {name: BOOK.fields[name][1] // 8 for name in BOOK.names}  # type: ignore[index, union-attr]
_PAST_WORD = {name: PAST_BAR.fields[name][1] // 8 for name in PAST_BAR.names}  # type: ignore[index, union-attr]
_POSITION_WORD = {name: POSITION.fields[name][1] // 8 for name in POSITION.names}  # type: ignore[index, union-attr]
_BOOK_WORDS, _PAST_WORDS, _POSITION_WORDS = BOOK.itemsize // 8, PAST_BAR.itemsize // 8, POSITION.itemsize // 8
_NOW, _OUTBOX = _ROOT_WORD["now_ns"], _ROOT_WORD["outbox_count"]
_BARS, _MARK_NS, _MARK = _BOOK_WORD["bars"], _BOOK_WORD["mark_ns"], _BOOK_WORD["mark_ticks"]
_CLOSE, _SUM_CLOSE = _PAST_WORD["close"], _PAST_WORD["sum_close"]
_LOTS, _MARKET_LOTS = _POSITION_WORD["lots"], _POSITION_WORD["market_lots"]
_BAR_FIELDS = ("open", "high", "low", "close", "volume")


class View:
    """The view of one run. One object is used at every wake."""

    def __init__(self, trader: Trader, timers: Timers) -> None:
        self.timers = timers
        self._trader = trader
        self._wake = Wake()
        self._symbols = tuple(instrument.symbol for instrument in trader.instruments)
        self._index = {symbol: i for i, symbol in enumerate(self._symbols)}
        self._record = trader.record
        self._root = trader.words
        self._books = _words(trader.tables["books"], np.int64)
        self._marks = _words(trader.tables["books"], np.float64)
        self._history = _words(trader.tables["history"], np.float64)
        self._positions = _words(trader.tables["positions"], np.int64)
        self._mask = int(trader.record["history_mask"][0])
        self._ticks = tuple((i.tick.numerator, i.tick.denominator) for i in trader.instruments)
        self._lots = tuple((i.lot.numerator, i.lot.denominator) for i in trader.instruments)
        self._refused: list[Refused] = []
        self._nothing = Decision(trader.take_approved())

    # -- what the engine uses

    def at(self, wake: Wake) -> View:
        """Point the view at a wake."""
        self._wake = wake
        return self

    def take_decision(self) -> Decision:
        """What was ordered since the last call: approved commands and refusals."""
        if self._root[_OUTBOX] == 0 and not self._refused:
            return self._nothing
        decision = Decision(self._trader.take_approved(), tuple(self._refused))
        self._refused.clear()
        return decision

    @property
    def wake(self) -> Wake:
        """The wake the view points at."""
        return self._wake

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
        """Every symbol of the run, sorted."""
        return self._symbols

    def number(self, instrument: str) -> int:
        """The number of an instrument; an unknown one is an InputError naming near ones."""
        try:
            return self._index[instrument]
        except KeyError:
            raise InputError(f"unknown instrument {instrument!r}. {did_you_mean(str(instrument), self._index)}") from None

    # -- market, as of now

    def price(self, instrument: str) -> float:
        """The mark: last close, or mid of the last quote; NaN before the first."""
        i = self.number(instrument)
        if self._books[i * _BOOK_WORDS + _MARK_NS] == 0:
            return _NAN
        up, down = self._ticks[i]
        return self._marks[i * _BOOK_WORDS + _MARK] * up / down

    def bar_count(self, instrument: str) -> int:
        """How many bars of the instrument were seen."""
        return self._books[self.number(instrument) * _BOOK_WORDS + _BARS]

    def mean_close(self, instrument: str, bars: int) -> float:
        """Mean of the last `bars` closes, as of now adjusted for splits and dividends; NaN while there are fewer.

        The sum is exact (whole ticks) until the first adjustment, so two means that should tie do tie.
        """
        i = self.number(instrument)
        count = self._books[i * _BOOK_WORDS + _BARS]
        if bars > count or bars < 1 or bars > self._mask + 1:
            return self._too_few(bars)
        base, mask, history = i * (self._mask + 1), self._mask, self._history
        last = (base + (count - 1 & mask)) * _PAST_WORDS
        first = (base + (count - bars & mask)) * _PAST_WORDS
        up, down = self._ticks[i]
        return (history[last + _SUM_CLOSE] - history[first + _SUM_CLOSE] + history[first + _CLOSE]) / bars * up / down

    def std_close(self, instrument: str, bars: int) -> float:
        """Sample standard deviation (ddof 1) of the last `bars` adjusted closes; NaN while there are fewer, or fewer than two."""
        closes = self.closes(instrument, bars)
        return float(np.std(closes, ddof=1)) if bars > 1 and len(closes) == bars else _NAN

    def closes(self, instrument: str, bars: int) -> NDArray[np.float64]:
        """The last `bars` adjusted closes, oldest first, shape (k,) with k = bars or what there is; a copy."""
        return self.past(instrument, bars, "close")

    def past(self, instrument: str, bars: int, field: str) -> NDArray[np.float64]:
        """Like `closes` for open, high, low, close (price units) or volume (units)."""
        if field not in _BAR_FIELDS:
            raise InputError(f"unknown field {field!r}. {did_you_mean(field, _BAR_FIELDS)}")
        i = self.number(instrument)
        count = self._books[i * _BOOK_WORDS + _BARS]
        if bars < 1 or bars > self._mask + 1:
            self._too_few(bars)
        k = min(bars, count)
        rows = i * (self._mask + 1) + (np.arange(count - k, count) & self._mask)
        values: NDArray[np.float64] = self._trader.tables["history"][field][rows]
        up, down = self._lots[i] if field == "volume" else self._ticks[i]
        return values * up / down

    def _too_few(self, bars: int) -> float:
        if bars < 1:
            raise InputError(f"asked for the last {bars} bars; ask for at least 1")
        if bars > self._mask + 1:
            raise InputError(f"asked for the last {bars} bars, {self._mask + 1} are kept: set `history = {bars}` in the strategy class")
        return _NAN

    @property
    def bar(self) -> Bar:
        """The bar of this wake."""
        return self._bar(self._wake.instrument)

    @property
    def quote(self) -> Quote:
        """The quote of this wake."""
        i = self._wake.instrument
        return Quote(self._symbols[i], self._trader.tables["books"][i], self._trader.instruments[i])

    def bars_now(self) -> dict[str, Bar]:
        """The bars of the present stamp by symbol, sorted."""
        fresh = np.flatnonzero(self._trader.tables["books"]["bar_ns"] == self._root[_NOW])
        return {self._symbols[i]: self._bar(i) for i in fresh.tolist()}

    def _bar(self, i: int) -> Bar:
        at = i * _BOOK_WORDS
        return Bar(self._symbols[i], self._books[at + 3 : at + 9].tolist(), *self._ticks[i], *self._lots[i])

    # -- account

    def position(self, instrument: str) -> float:
        """Signed quantity held."""
        i = self.number(instrument)
        up, down = self._lots[i]
        return self._positions[i * _POSITION_WORDS + _LOTS] * up / down

    @property
    def positions(self) -> Mapping[str, float]:
        """Signed quantity of every instrument that is held."""
        held = np.flatnonzero(self._trader.tables["positions"]["lots"])
        return {self._symbols[i]: self.position(self._symbols[i]) for i in held.tolist()}

    def average_price(self, instrument: str) -> float:
        """Average price paid for what is open (FIFO), slippage included; NaN without a position."""
        i = self.number(instrument)
        row = self._trader.tables["positions"][i]
        up, down = self._ticks[i]
        return float(row["cost"] / row["lots"] * up / down) if row["lots"] else _NAN

    def unrealised_pnl(self, instrument: str) -> float:
        """Money made on what is open, in the instrument's currency."""
        i = self.number(instrument)
        row = self._trader.tables["positions"][i]
        mark = float(self._marks[i * _BOOK_WORDS + _MARK])
        return float((row["lots"] * mark - row["cost"]) * self._trader.instruments[i].point_value)

    def realised_pnl(self, instrument: str) -> float:
        """Money made on what was closed, fees not deducted, in the instrument's currency."""
        return float(self._trader.tables["positions"]["realised"][self.number(instrument)])

    @property
    def equity(self) -> float:
        """Cash and positions at the present marks."""
        return float(entry.valuation(self._record)[0])

    @property
    def cash(self) -> float:
        """Cash of all currencies at the present rates."""
        return float(entry.valuation(self._record)[1])

    def cash_in(self, currency: str) -> float:
        """Cash of one currency, in that currency."""
        names = self._trader.currencies
        if currency not in names:
            raise InputError(f"unknown currency {currency!r}. {did_you_mean(currency, names)}")
        return float(self._trader.tables["money"]["cash"][names.index(currency)])

    def order_state(self, order_id: int) -> OrderView:
        """An order as it stands, a copy."""
        self._known(order_id)
        row = self._trader.tables["orders"][order_id]
        return OrderView.of(row, self._trader.instruments[int(row["instrument"])])

    def working_orders(self, instrument: str | None = None) -> Iterator[OrderView]:
        """Every order that has not ended, oldest first."""
        orders = self._trader.used("orders")
        alive = (orders["state"] > 0) & (orders["state"] < codes.S_FILLED)
        if instrument is not None:
            alive &= orders["instrument"] == self.number(instrument)
        for order_id in np.flatnonzero(alive).tolist():
            yield self.order_state(order_id)

    # -- orders

    def target_weight(self, instrument: str, weight: float) -> int:
        """Bring the position to `weight` of equity by a market order; return its id, -1 where nothing is to be done.

        Sized at the present mark with the expected costs taken off, rounded toward zero to whole lots. The remainder of an
        earlier target for the instrument is cancelled.
        """
        return self._placed(self._call(entry.aim_weight, self.number(instrument), float(weight)))

    def target_weights(self, weights: Mapping[str, float]) -> list[int]:
        """Bring the whole book to `weights` of equity, what is not named to zero; return the ids of the orders made.

        What is closed is ordered first, then what is reduced, so that both pay for what is enlarged.
        """
        equity = self.equity
        wanted = {self._symbols[self.number(name)]: float(weight) for name, weight in weights.items()}
        wanted |= {name: 0.0 for name in self.positions if name not in wanted}
        now = {name: abs(self._value(name)) for name in wanted}
        first = sorted(wanted, key=lambda name: (wanted[name] != 0.0, abs(wanted[name]) * equity >= now[name], name))
        return [placed for placed in (self.target_weight(name, wanted[name]) for name in first) if placed >= 0]

    def _value(self, instrument: str) -> float:
        """Market value of a position in the base currency, 0 without one."""
        i = self.number(instrument)
        lots = self._positions[i * _POSITION_WORDS + _LOTS]
        if lots == 0:
            return 0.0
        terms = self._trader.instruments[i]
        rate = float(self._trader.tables["money"]["fx_rate"][self._trader.currencies.index(terms.currency)])
        return lots * self._marks[i * _BOOK_WORDS + _MARK] * terms.point_value * rate

    def target_quantity(self, instrument: str, quantity: float) -> int:
        """Bring the position to `quantity` (signed units) by a market order; return its id, -1 where nothing is to be done."""
        i = self.number(instrument)
        up, down = self._lots[i]
        at = i * _POSITION_WORDS
        if (self._positions[at + _LOTS] + self._positions[at + _MARKET_LOTS]) * up == quantity * down:
            return -1
        return self._placed(self._call(entry.aim_quantity, i, float(quantity)))

    def order(
        self,
        instrument: str,
        quantity: float,
        *,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        trail_bps: float | None = None,
        time_in_force: TimeInForce | str = TimeInForce.GTC,
        expire: dt.datetime | None = None,
        reduce_only: bool = False,
        parent: int = -1,
        group: int = -1,
    ) -> int:
        """Order `quantity` units, positive to buy, negative to sell; return the order's id.

        The prices given decide the type: none is a market order, `limit`, `stop`, both, or a trailing stop (`trail` in price
        units or `trail_bps` in basis points, starting at `stop` or that far from the mark). `parent` holds the order until
        that one fills; orders of one `group` (the id of its first member) cancel each other. An order that breaks a rule is
        refused: it has an id, the state REFUSED and a reason, and nothing is sent.
        """
        flags = (OrderFlag.TRAIL_BPS if trail_bps is not None else 0) | (OrderFlag.REDUCE_ONLY if reduce_only else 0)
        if trail is not None or trail_bps is not None:
            kind = OrderType.TRAILING_STOP
        elif stop is not None:
            kind = OrderType.STOP if limit is None else OrderType.STOP_LIMIT
        else:
            kind = OrderType.MARKET if limit is None else OrderType.LIMIT
        force = TimeInForce[time_in_force.upper()] if isinstance(time_in_force, str) else time_in_force
        distance = trail_bps if trail_bps is not None else trail
        if group >= 0:
            flags |= OrderFlag.OCO
        if group == self.next_order_id:
            pass  # the first member names the group
        elif group >= 0 or parent >= 0:
            self._known(max(group, parent))
        side = Side.SELL if quantity < 0 else Side.BUY
        return self._placed(
            self._call(
                entry.propose,
                self.number(instrument),
                int(side),
                int(kind),
                int(force),
                int(flags),
                abs(float(quantity)),
                _NAN if limit is None else float(limit),
                _NAN if stop is None else float(stop),
                _NAN if distance is None else float(distance),
                _expiry_ns(expire),
                parent,
                group,
            )
        )

    def buy(self, instrument: str, quantity: float, *, limit: float | None = None, stop: float | None = None) -> int:
        """`order` with a positive quantity."""
        return self.order(instrument, quantity, limit=limit, stop=stop)

    def sell(self, instrument: str, quantity: float, *, limit: float | None = None, stop: float | None = None) -> int:
        """`order` with the sign turned."""
        return self.order(instrument, -quantity, limit=limit, stop=stop)

    def bracket(
        self, instrument: str, quantity: float, *, target: float, loss: float, limit: float | None = None, stop: float | None = None
    ) -> int:
        """An entry whose fill lets go a target (limit) and a loss limit (stop) that cancel each other; return the entry's id.

        The target has the next id and the loss limit the one after. A buy needs loss < entry < target, a sell the reverse.
        """
        kind = OrderType.STOP if stop is not None else OrderType.MARKET if limit is None else OrderType.LIMIT
        side = Side.SELL if quantity < 0 else Side.BUY
        prices = (_NAN if limit is None else float(limit), _NAN if stop is None else float(stop), float(target), float(loss))
        return self._placed(self._call(entry.bracket, self.number(instrument), int(side), int(kind), abs(float(quantity)), *prices))

    def cancel(self, order_id: int) -> bool:
        """Ask for a cancel; False where the order has ended or a cancel is under way."""
        self._known(order_id)
        return bool(self._call(entry.cancel, order_id, int(Reason.USER)))

    def replace(self, order_id: int, *, quantity: float | None = None, limit: float | None = None, stop: float | None = None) -> bool:
        """Ask for other terms, those not given stay; False where a rule refuses it (the order stands as it was)."""
        self._known(order_id)
        terms = (_NAN if value is None else float(value) for value in (quantity, limit, stop))
        return bool(self._call(entry.replace, order_id, *terms))

    @property
    def next_order_id(self) -> int:
        """The id the next order will get; as `group` it opens a one-cancels-other group."""
        return self._trader.count("orders")

    def _known(self, order_id: int) -> None:
        if not 0 <= order_id < self._trader.count("orders"):
            raise InputError(f"unknown order {order_id}; ids so far are 0 to {self._trader.count('orders') - 1}")

    def _call(self, function: object, *arguments: float) -> int:
        result: int = function(self._record, *arguments)  # type: ignore[operator]
        if result == entry.NO_ROOM:
            self._trader.make_room(0)
            result = function(self._record, *arguments)  # type: ignore[operator]
        return result

    def _placed(self, order_id: int) -> int:
        if order_id >= 0 and self._trader.tables["orders"]["state"][order_id] == codes.S_REFUSED:
            row = self._trader.tables["orders"][order_id]
            symbol = self._symbols[int(row["instrument"])]
            self._refused.append(Refused(order_id, symbol, Reason(int(row["reason"])), float(row["need"]), float(row["have"])))
        return order_id

    @property
    def event(self) -> MarketEvent:
        """The market event this EVENT wake tells of."""
        number = self._wake.instrument
        kind = Kind(int(self._trader.record["wake_kind"][0]))
        return MarketEvent(kind, self._symbols[number] if number < len(self._symbols) else "")

    def timer_fired(self) -> str:
        """Name of the timer this TIMER wake tells of; the next one is armed."""
        name = self.timers.fired(int(self._trader.record["timer_id"][0]))
        self._arm_timers()
        return name

    def start_timers(self, start_ns: int) -> None:
        """Arm the timers set in `on_start`; the first event has the stamp `start_ns`."""
        self.timers.start(start_ns, lambda: self.now_ns, self._arm_timers)

    def _arm_timers(self) -> None:
        stamp, which = self.timers.next()
        self._trader.record["timer_ns"], self._trader.record["timer_id"] = stamp, which

    @property
    def order_event(self) -> OrderView:
        """The order this ORDER wake tells of."""
        return self.order_state(int(self._trader.tables["log"]["w0"][self._wake.row]))


def _words(rows: NDArray[np.void], kind: type[np.generic]) -> memoryview:
    """A table as a flat memoryview of 8-byte words, the fastest thing to index from Python."""
    return memoryview(rows.view(kind))  # type: ignore[arg-type]  # numpy's stubs hide the buffer of an array


def _expiry_ns(expire: dt.datetime | None) -> int:
    if expire is None:
        return 0
    if expire.tzinfo is None:
        raise InputError(f"expire {expire} has no time zone; give one, for instance datetime(..., tzinfo=UTC)")
    since = expire - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
