"""What a strategy is handed at a wake: everything it can read, and the words to order with.

Prices are floats in price units, quantities floats in units (shares). `instrument` is a symbol.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from threading import get_ident
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework.engine.book_reading import BookReading
from framework.engine.order_words import expiry_ns, force_of, peg_flag
from framework.engine.timers import Timers
from framework.engine.world import Decision, Wake
from framework.errors import InputError
from framework.kernel.layout import codes
from framework.kernel.layout.roots import TRADER
from framework.kernel.loops import panel
from framework.kernel.trader import trader_calls
from framework.kernel.trader.order_terms import G_LIMIT, G_STOP, given_bits
from framework.kernel.trader.trader import Trader
from framework.schema.order import OrderFlag, OrderType, Peg, Reason, Refused, Side, TimeInForce

_NAN = math.nan
_NOTHING = (None, None, None, None)
_NO_TERMS = (None,) * 9
_GTC = int(TimeInForce.GTC)
_USUAL = (TimeInForce.GTC, -1, -1)
"""Time in force, parent and group of an order that names none."""
_OUTBOX, _ORDERS = (TRADER.fields[name][1] // 8 for name in ("outbox_count", "orders_count"))  # type: ignore[index]


_TOO_LATE = "the run of this view has ended; rule: a strategy orders in its hooks. Let a hook order what is to be ordered."
_ELSEWHERE = (
    "an order from another thread; rule: a strategy orders in the thread that calls its hooks, since what comes first would else be left "
    "to chance. Let other threads compute, and order in a hook."
)


class View(BookReading):
    """The view of one run; one object is used at every wake. What can be read is described in `Reading`.

    Attributes:
        timers: set timers here.
        fired_timer: the name of the timer that fired last.
        nothing: the decision of a hook that ordered nothing, always this object.
    """

    def __init__(self, trader: Trader, timers: Timers, *, uses_numbers: bool = False, owner: int | None = None) -> None:
        super().__init__(trader, uses_numbers=uses_numbers, owner=owner)
        self.timers = timers
        self.fired_timer = ""
        self.nothing = Decision(trader.approved)
        self._ordered = Decision(trader.approved)
        self._refused: list[Refused] = []
        self._linked: set[object] = set()
        self._owner = get_ident()  # of the thread that orders; no thread has the number 0

    # -- what the engine uses

    def close(self) -> None:
        """The run is over: nothing can be ordered any more."""
        self._owner = 0

    def at(self, wake: Wake) -> View:
        """Point the view at a wake."""
        self.wake = wake
        return self

    @property
    def trader(self) -> Trader:
        """The trader half that it shows."""
        return self._trader

    @property
    def owner_of_wake(self) -> int:
        """Which of several strategies the order belongs to that this ORDER wake tells of."""
        return int(self._trader.tables["orders"]["owner"][self._trader.tables["log"]["w0"][self.wake.row]])

    def add_refused(self, refused: tuple[Refused, ...]) -> None:
        """Take in what was refused of one of several strategies."""
        self._refused.extend(refused)

    def take_decision(self) -> Decision:
        """What was ordered at this wake: approved commands and refusals."""
        if self._refused:
            decision = Decision(self._trader.approved, tuple(self._refused))
            self._refused.clear()
            return decision
        return self._ordered if self._root[_OUTBOX] != 0 else self.nothing

    def rebalance(self, record: NDArray[np.void]) -> None:
        """Order what a panel's row of the present stamp wants; see `framework.kernel.loops.panel`."""
        first = self._trader.count("orders")
        self._call(panel.rebalance, record)
        for order_id in range(first, self._trader.count("orders")):
            self._placed(order_id)

    # -- orders

    def target_weight(self, instrument: str, weight: float) -> int:
        """Bring the position to `weight` of equity by a market order; return its id, -1 where nothing is to be done.

        Sized at the present mark with the expected costs taken off, and room for a gap where it uses all, in whole lots. The remainder
        of an earlier target for the instrument is cancelled.
        """
        return self._placed(self._call(trader_calls.aim, trader_calls.WEIGHT, self.number(instrument), float(weight)))

    def target_weights(self, weights: Mapping[str, float]) -> list[int]:
        """Bring the whole portfolio to `weights` of equity, what is not named to zero; return the ids of the orders made.

        An instrument is in the portfolio where it is held or a market order of it works. What is closed is ordered first, then what is
        reduced, so that both pay for what is enlarged.
        """
        equity = self.equity
        wanted = {self._names[self.number(name)]: float(weight) for name, weight in weights.items()}
        wanted |= {name: 0.0 for name in (*self.positions, *self._names_at_work()) if name not in wanted}
        now = {name: abs(self.market_value(name)) for name in wanted}
        first = sorted(wanted, key=lambda name: (wanted[name] != 0.0, abs(wanted[name]) * equity >= now[name], name))
        self._record["request"]["gross"] = sum(abs(weight) for weight in wanted.values())
        try:
            placed = [self.target_weight(name, wanted[name]) for name in first]
        finally:
            self._record["request"]["gross"] = 0.0
        return [order_id for order_id in placed if order_id >= 0]

    def _names_at_work(self) -> list[Any]:
        """Instruments of which a market order works."""
        rows = self._account.tables["positions"][: len(self._names)]
        return [self._names[i] for i in np.flatnonzero((rows["plain_lots"] != 0) | (rows["reducing_lots"] != 0))]

    def target_quantity(self, instrument: str, quantity: float) -> int:
        """Bring the position to `quantity` (signed units) by a market order; return its id, -1 where nothing is to be done."""
        held = self._held_of.get(instrument)
        lots = self._positions
        if held is not None and lots[held[2]] == 0 and (lots[held[0]] + lots[held[1]]) * held[3] == quantity * held[4]:
            return -1  # the common case, without a call into the kernel
        return self._placed(self._call(trader_calls.aim, trader_calls.QUANTITY, self.number(instrument), float(quantity)))

    def order(
        self,
        instrument: str,
        quantity: float,
        *,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        trail_bps: float | None = None,
        touch: float | None = None,
        trail_limit: float | None = None,
        time_in_force: TimeInForce | str = TimeInForce.GTC,
        expire: dt.datetime | None = None,
        reduce_only: bool = False,
        parent: int = -1,
        group: int = -1,
        post_only: bool = False,
        display: float | None = None,
        hidden: bool = False,
        peg: Peg | str | None = None,
        peg_offset: float | None = None,
    ) -> int:
        """Order `quantity` units, positive to buy, negative to sell; return the order's id.

        The prices given decide the type: none is a market order, `limit`, `stop`, both, `touch` instead of `stop` for one that
        triggers on the other side, or a trailing stop (`trail` in price units or `trail_bps` in basis points, starting at `stop`
        or that far from the mark; with `trail_limit`, price units from the stop, it becomes a limit). `parent` holds the order
        until that one fills; orders of one `group` (the id of its first member) cancel each other.

        Of limit orders: `post_only` is rejected by the venue if it would take, `display` units of it are shown at a time, a
        `hidden` one is never shown. A `peg` ("primary", "mid") follows the venue's best prices, `peg_offset` price units nearer to
        the other side (negative: further from it), no further than `limit` if there is one.

        An order that breaks a rule is refused: it has an id, the state REFUSED and a reason, and nothing is sent.
        """
        terms = (stop, trail, trail_bps, touch, trail_limit, display, peg, peg_offset, expire)
        if terms == _NO_TERMS and (time_in_force, parent, group) == _USUAL and not (reduce_only or post_only or hidden):
            return self._plain(instrument, -1 if quantity < 0 else 1, abs(quantity), limit)
        flags = (OrderFlag.TRAIL_BPS if trail_bps is not None else 0) | (OrderFlag.REDUCE_ONLY if reduce_only else 0)
        flags |= (OrderFlag.POST_ONLY if post_only else 0) | (OrderFlag.HIDDEN if hidden else 0) | peg_flag(peg)
        if group >= 0:
            flags |= OrderFlag.OCO
            if group != self.next_order_id:  # the first member names its group by its own id
                self._known(group)
        if parent >= 0:
            self._known(parent)
        further = (touch, trail_limit, display, peg_offset)
        if further != _NOTHING:
            self._call(trader_calls.instruct, *(_NAN if value is None else float(value) for value in further))
        given = given_bits(limit, stop, touch, trail, trail_bps, trail_limit, display, peg_offset)
        force, expire_ns = int(force_of(time_in_force)), expiry_ns(expire)
        prices = (limit, stop, trail_bps if trail_bps is not None else trail)
        numbers = tuple(_NAN if value is None else float(value) for value in prices)
        wanted = self.number(instrument), -1 if quantity < 0 else 1, force, int(flags), float(abs(quantity))
        return self._placed(self._call(trader_calls.propose, *wanted, *numbers, given, expire_ns, parent, group))

    def buy(self, instrument: str, quantity: float, *, limit: float | None = None, stop: float | None = None) -> int:
        """Buy `quantity` units, at the market or as `limit` and `stop` say; a quantity that is not above 0 is refused."""
        return self._plain(instrument, 1, quantity, limit, stop)

    def sell(self, instrument: str, quantity: float, *, limit: float | None = None, stop: float | None = None) -> int:
        """Sell `quantity` units, likewise."""
        return self._plain(instrument, -1, quantity, limit, stop)

    def _plain(self, instrument: str, side: int, quantity: float, limit: float | None, stop: float | None = None) -> int:
        """An order without further terms: the common case, on a short way."""
        price, given = (_NAN, 0) if limit is None else (float(limit), G_LIMIT)
        trigger, given = (_NAN, given) if stop is None else (float(stop), given | G_STOP)
        terms = self.number(instrument), side, _GTC, 0, float(quantity), price, trigger, _NAN, given, 0, -1, -1
        return self._placed(self._call(trader_calls.propose, *terms))

    def bracket(
        self, instrument: str, quantity: float, *, target: float, loss: float, limit: float | None = None, stop: float | None = None
    ) -> int:
        """An entry whose fill releases a target (limit) and a loss limit (stop) that cancel each other; return the entry's id.

        The target has the next id and the loss limit the one after. A buy needs loss < entry < target, a sell the reverse.
        """
        kind = OrderType.STOP if stop is not None else OrderType.MARKET if limit is None else OrderType.LIMIT
        side = Side.SELL if quantity < 0 else Side.BUY
        prices = (_NAN if limit is None else float(limit), _NAN if stop is None else float(stop), float(target), float(loss))
        return self._placed(self._call(trader_calls.bracket, self.number(instrument), int(side), int(kind), abs(float(quantity)), *prices))

    def cancel(self, order_id: int) -> bool:
        """Ask for a cancel; False where the order has ended or a cancel is under way."""
        self._known(order_id)
        return bool(self._call(trader_calls.cancel, order_id, int(Reason.USER)))

    def replace(self, order_id: int, *, quantity: float | None = None, limit: float | None = None, stop: float | None = None) -> bool:
        """Ask for other terms, those not given stay; False where a rule refuses it (the order stands as it was)."""
        self._known(order_id)
        terms = (_NAN if value is None else float(value) for value in (quantity, limit, stop))
        return bool(self._call(trader_calls.replace, order_id, *terms))

    @property
    def next_order_id(self) -> int:
        """The id the next order will get; as `group` it opens a one-cancels-other group."""
        return self._root[_ORDERS]

    def _call(self, function: Callable[..., int], *arguments: Any) -> int:
        """Call a unit of the kernel, linking it first."""
        if get_ident() != self._owner:
            raise InputError(_TOO_LATE if self._owner == 0 else _ELSEWHERE)
        if function not in self._linked:
            trader_calls.link(self._record, orders=function not in (trader_calls.aim, panel.rebalance))
            self._linked.add(function)
        result = function(self._record, *arguments)
        if result == trader_calls.NO_ROOM:
            raise self._trader.breakage()
        return result

    def _placed(self, order_id: int) -> int:
        if order_id >= 0 and self._state_of(order_id) == codes.S_REFUSED:
            row = self._trader.tables["orders"][order_id]
            symbol = self._symbols[int(row["instrument"])]
            self._refused.append(Refused(order_id, symbol, Reason(int(row["reason"])), float(row["need"]), float(row["have"])))
        return order_id

    def timer_fired(self) -> str:
        """Name of the timer this TIMER wake tells of; the next one is armed."""
        self.fired_timer = self.timers.fired()
        return self.fired_timer

    def start_timers(self, start_ns: int) -> None:
        """Arm the timers set in `on_start`; the first event has the stamp `start_ns`."""
        self.timers.start(start_ns, self._trader)
