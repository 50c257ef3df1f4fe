"""How orders fill on bars and prints, written plainly from `docs/fills.md`: the open, what lies inside, exits, the close."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from framework.schema.event import Kind
from framework.schema.order import OrderType, Reason, TimeInForce
from tests.properties.plain_fills import ALL, Fills
from tests.properties.plain_orders import AT_ONCE, AUCTIONS, Market, Order, Turn
from tests.properties.plain_under_way import release, waits

_FIRST, _MOVED, _LAST = -(2**62), 2**61, 2**62

Acts = Iterator[Order]
"""Orders that act one after the other, each after it was yielded."""


class Bars(Fills):
    """Bars, and prints as bars of one price. In each step the best price comes first, then who came first."""

    def begin(self, turn: Turn) -> None:
        """A bar is told: commands that waited for it and came before its open act."""
        bar, session = turn.event, self.session
        i, last = bar.instrument, self.last_bar.get(bar.instrument, 0)
        turn.is_trading = not session.is_known or session.is_open
        turn.start = max(last, session.opens if session.is_known else 0)
        if self.lengths.get(i):
            turn.start = max(turn.start, bar.ns - self.lengths[i])
        self.matched[i], self.left[i] = bar.ns, self.share(bar.volume)
        release(self, lambda each: each.order.instrument == i and (each.came <= turn.start or not turn.is_trading))
        turn.opened = session.opens if session.is_known and last <= session.opens else -1  # however late it comes
        turn.is_closing = session.is_known and bar.ns == session.closes

    def print(self, trade: Market) -> None:
        i, session = trade.instrument, self.session
        is_opening = session.is_known and self.last_print.get(i, 0) <= session.opens
        self.last_print[i] = trade.ns
        if session.is_known and not session.is_open:
            return
        self.is_print = True
        turn = Turn(trade, start=trade.ns - 1, opened=session.opens if is_opening else -1)
        self.left[i] = self.share(trade.volume)
        exhaust(self.opening(turn))
        self.after_open(turn)
        exhaust(self.stops_inside(turn))
        exhaust(self.limits_inside(turn))
        self.after_limits(turn)
        self.sweep(i)
        if session.is_known and trade.ns == session.closes:
            exhaust(self.closing_prices(turn))
            self.after_close(turn)
        self.is_print = False

    def takes_part(self, order: Order, turn: Turn) -> bool:
        """Orders for the open take part if they came by the open of the session whose first bar it is."""
        if order.is_done or order.arrived > turn.start or order.sits_out == turn.event.ns or order.force == TimeInForce.AT_CLOSE:
            return False
        return order.force != TimeInForce.AT_OPEN or order.arrived <= turn.opened

    def goes_on(self, order: Order, turn: Turn) -> bool:
        return self.takes_part(order, turn) and not _only_at_open(order) and not waits(self, order)

    def line_of(self, turn: Turn) -> list[Order]:
        return self.lines.get(turn.event.instrument, [])

    # the steps of a bar; each yields an order before it acts

    def opening(self, turn: Turn) -> Acts:
        bar = turn.event
        return self.acts(
            self.line_of(turn),
            lambda order: self.takes_part(order, turn),
            lambda order: self.behind_exits(order, self.rank_at(order, bar.open), bar.open, bar.open),
            lambda order: self.at_open(order, bar),
        )

    def stops_inside(self, turn: Turn) -> Acts:
        bar = turn.event
        return self.acts(
            self.line_of(turn),
            lambda order: self.goes_on(order, turn),
            lambda order: self.rank_of_stop(order, bar),
            lambda order: self.stop_inside(order, bar, turn.start),
        )

    def limits_inside(self, turn: Turn) -> Acts:
        bar = turn.event
        return self.acts(
            self.line_of(turn),
            lambda order: self.goes_on(order, turn),
            lambda order: self.rank_inside(order, bar),
            lambda order: self.limit_inside(order, bar),
        )

    def closing_prices(self, turn: Turn) -> Acts:
        bar = turn.event

        def is_due(order: Order) -> bool:
            return order.force == TimeInForce.AT_CLOSE and not order.is_done and order.arrived < bar.ns and order.sits_out != bar.ns

        return self.acts(
            self.line_of(turn), is_due, lambda order: self.rank_at(order, bar.close), lambda order: self.take(order, bar.close, bar)
        )

    def after_open(self, turn: Turn) -> None:
        for order in self.line_of(turn):
            order.rests = order.rests or (self.takes_part(order, turn) and self.stands_away(order, turn.event.open))

    def after_limits(self, turn: Turn) -> None:
        bar = turn.event
        for order in self.line_of(turn):
            if self.takes_part(order, turn):
                if order.waits and order.trails and not waits(self, order):
                    self.follow(order, bar.low if order.side > 0 else bar.high)
                elif self.stands_away(order, bar.close):
                    order.rests = True
                self.end_leftover(order, is_opening=turn.opened >= 0)

    def after_close(self, turn: Turn) -> None:
        for order in self.line_of(turn):
            if order.force == TimeInForce.AT_CLOSE and not order.is_done and order.arrived < turn.event.ns:
                self.end(order, Kind.ORDER_EXPIRED, Reason.MISSED_CLOSE)
        self.sweep(turn.event.instrument)

    def take(self, order: Order, ticks: int, bar: Market, *, budget: int = ALL, is_maker: bool = False, is_ambiguous: bool = False) -> None:
        """Fill an order with what is left of the bar."""
        budget = min(self.left[bar.instrument], budget)
        self.left[bar.instrument] -= self.execute(order, budget, ticks, bar, is_maker=is_maker, is_ambiguous=is_ambiguous)

    def acts(
        self,
        line: list[Order],
        has_turn: Callable[[Order], bool],
        rank: Callable[[Order], int | None],
        act: Callable[[Order], None],
    ) -> Acts:
        """Let all that have their turn act, the lowest rank first, then in order of arrival; what one does may change ranks."""
        last = (_FIRST - 1, -1)
        while True:
            places = [(rank(order), k) for k, order in enumerate(line) if has_turn(order)]
            turns = [(own, k) for own, k in places if own is not None and (own, k) > last]
            if not turns:
                return
            last = min(turns)
            order = line[last[1]]
            yield order
            act(order)

    def rank_at(self, order: Order, price: int, *, through: bool | None = None) -> int | None:
        """At a price that all get: what takes at any price first, then limits by how much it betters them. None: it does nothing."""
        if order.waits and not order.reaches(price):
            return None
        if not order.is_limit:
            return _FIRST
        fills = order.waits or order.betters(price, through=self.rules.needs_through if through is None else through)
        return (price - order.limit) * order.side if fills else None

    def rank_of_stop(self, order: Order, bar: Market) -> int | None:
        """Inside a bar what lies nearest to the open comes first, what moved inside it last."""
        if not order.waits or order.is_touch:
            return None
        worst, best = (bar.high, bar.low) if order.side > 0 else (bar.low, bar.high)
        if order.reaches(worst):
            return (order.stop - bar.open) * order.side
        moved = best + order.side * order.trail
        if order.trails and (moved - order.stop) * order.side < 0 <= (bar.close - moved) * order.side:
            return _MOVED + (moved - bar.open) * order.side
        return None

    def rank_inside(self, order: Order, bar: Market) -> int | None:
        extreme = bar.low if order.side > 0 else bar.high
        if order.waits:
            return (bar.open - order.stop) * order.side if order.is_touch and order.reaches(extreme) else None
        fills = order.is_limit and order.betters(extreme, through=self.rules.needs_through)
        return (bar.open - order.limit) * order.side if fills else None

    def stands_away(self, order: Order, price: int) -> bool:
        """Whether a limit does not fill at a price: it makes from then on."""
        return order.is_limit and not order.waits and not order.betters(price, through=self.rules.needs_through)

    def follow(self, order: Order, best: int) -> bool:
        """Move a trailing stop; the venue tells its level."""
        if not order.follow(best):
            return False
        self.tell(Kind.ORDER_REPRICED, order.instrument, order.number, order.limit, order.stop)
        return True

    def trigger(self, order: Order) -> None:
        order.has_triggered = True
        limit = order.limit if order.type == OrderType.TRAILING_STOP_LIMIT else 0
        self.tell(Kind.ORDER_TRIGGERED, order.instrument, order.number, order.stop, limit)

    def at_open(self, order: Order, bar: Market) -> None:
        if order.waits:
            self.trigger(order)
        if not order.is_limit or order.betters(bar.open, through=self.rules.needs_through):
            self.take(order, bar.open, bar, budget=self.left_by_exits(order, bar), is_maker=order.is_limit and order.rests)

    def stop_inside(self, order: Order, bar: Market, start: int) -> None:
        """A trailing stop moves with the bar only after its level has held; the close then says whether it was passed."""
        worst, best = (bar.high, bar.low) if order.side > 0 else (bar.low, bar.high)
        price, is_ambiguous = order.stop, False
        if not order.reaches(worst):
            self.follow(order, best)
            price, is_ambiguous = bar.close, True
        else:
            rivals = self.rivals(order, bar, start)
            if any(self.comes_before(other, order, bar) for other in rivals):
                return
            is_ambiguous = bool(rivals) or self.target_inside(order, bar)
        self.trigger(order)
        if order.is_limit and not order.betters(price, through=False):
            order.sits_out, order.rests = bar.ns, True
            return
        self.take(order, price, bar, is_ambiguous=is_ambiguous)

    def reached_stops(self, i: int, bar: Market, start: int) -> list[Order]:
        """Stops that came by `start` and lie inside the bar."""
        able = [o for o in self.lines[i] if not o.is_done and o.arrived <= start and o.sits_out != bar.ns and o.waits and not o.is_touch]
        return [order for order in able if order.reaches(bar.high if order.side > 0 else bar.low)]

    def rivals(self, order: Order, bar: Market, start: int) -> list[Order]:
        """Other stops of its group that the bar reaches; those with a limit are none."""
        if order.group < 0 or order.is_limit:
            return []
        reached = self.reached_stops(order.instrument, bar, start)
        return [other for other in reached if other.group == order.group and other is not order and not other.is_limit]

    @staticmethod
    def comes_before(other: Order, order: Order, bar: Market) -> bool:
        """Of two stops of a group the nearer is passed first, on both sides the one that is worth less at the close."""
        if other.side == order.side:
            return (order.stop - other.stop) * order.side > 0
        return (bar.close - other.stop) * other.side < (bar.close - order.stop) * order.side

    def target_inside(self, order: Order, bar: Market) -> bool:
        """Whether a limit or touch of its group lies inside the bar too."""
        for other in self.lines[order.instrument] if order.group >= 0 else []:
            extreme = bar.low if other.side > 0 else bar.high
            if other.group == order.group and not other.is_done:
                if other.type == OrderType.LIMIT and other.betters(extreme, through=self.rules.needs_through):
                    return True
                if other.is_touch and other.waits and other.reaches(extreme):
                    return True
        return False

    def limit_inside(self, order: Order, bar: Market) -> None:
        """Limits that the range went through, and touches that it reached."""
        if order.waits:
            self.trigger(order)
            if not order.is_limit or order.betters(order.stop, through=False):
                self.take(order, order.stop, bar)
            return  # else its turn as a limit comes
        has_filled_better = order.filled_at == bar.ns and (order.limit - order.filled_ticks) * order.side > 0
        if (order.limit - bar.open) * order.side <= 0 and not has_filled_better:  # else it takes again at the next open
            self.take(order, order.limit, bar, budget=self.left_by_exits(order, bar), is_maker=True)

    # entries and exits

    def left_by_exits(self, order: Order, bar: Market) -> int:
        """What an entry that has filled before may take of a bar: the stops of its exits that the bar reaches come first."""
        if not order.filled:
            return ALL
        exits = [o for o in self.lines[order.instrument] if o.parent == order.number and o.side != order.side and not o.is_done]
        stops = [o for o in exits if o.waits and not o.is_touch and o.reaches(bar.high if o.side > 0 else bar.low)]
        return max(self.left[bar.instrument] - sum(each.left for each in stops), 0)

    def behind_exits(self, order: Order, rank: int | None, bid: int, ask: int) -> int | None:
        """At prices at which an exit of it acts, or has just acted, the rest of an entry comes after all else."""
        if rank is None or not order.filled:
            return rank
        exits = [o for o in self.lines[order.instrument] if o.parent == order.number and o.side != order.side]
        prices = [(o, ask if o.side > 0 else bid) for o in exits]
        acts = any(
            price > 0 and (self.rank_at(o, price, through=False) is not None or (o.has_triggered and o.reaches(price)))
            for o, price in prices
        )
        return _LAST if acts else rank

    def has_entered(self, order: Order, bar: Market) -> bool:
        """Whether it is an exit of an entry that this bar filled before its close."""
        if order.parent < 0 or order.is_done or order.force in AUCTIONS:
            return False
        entry = self.orders[order.parent]
        is_opposite = entry.instrument == order.instrument and entry.side != order.side
        return is_opposite and entry.filled_at == bar.ns and entry.force != TimeInForce.AT_CLOSE

    def rest_of(self, order: Order, bar: Market) -> Market:
        """What of the bar came after an exit's entry.

        The side against the position counts whole, the other one where the price passed it after the entry for certain: the entry filled
        at the open, or was a stop; else as far as the close.
        """
        entry = self.orders[order.parent]
        if entry.filled_ticks == bar.open or entry.is_stop:
            return bar
        if entry.side > 0:
            return replace(bar, high=max(entry.filled_ticks, bar.close))
        return replace(bar, low=min(entry.filled_ticks, bar.close))

    def match_exits(self, bar: Market) -> None:
        """Exits of entries that the bar filled meet the rest of it."""
        line = self.lines.get(bar.instrument, [])
        rests = {order.number: self.rest_of(order, bar) for order in line if self.has_entered(order, bar)}
        for order in line:
            order.sits_out = -1 if order.number in rests else order.sits_out

        def goes_on(order: Order) -> bool:
            return order.number in rests and not order.is_done and order.sits_out != bar.ns and not _only_at_open(order)

        def rank(order: Order, inside: Callable[[Order, Market], int | None]) -> int | None:
            """At the entry's price, which has passed it already, else by where it lies in what came after."""
            at_entry = self.rank_at(order, self.orders[order.parent].filled_ticks)
            return inside(order, rests[order.number]) if at_entry is None else at_entry

        def stops(order: Order) -> bool:
            rest = rests.get(order.number, bar)
            return goes_on(order) and order.is_stop and order.waits and order.reaches(rest.high if order.side > 0 else rest.low)

        def targets(order: Order) -> bool:
            return goes_on(order) and (order.is_touch if order.waits else order.is_limit)

        stopping = self.acts(line, stops, lambda order: rank(order, self.rank_of_stop), lambda order: self.exit_at(order, bar))
        exhaust(stopping)
        taking = self.acts(line, targets, lambda order: rank(order, self.rank_inside), lambda order: self.exit_at(order, bar))
        exhaust(taking)
        self.sweep(bar.instrument)

    def exit_at(self, order: Order, bar: Market) -> None:
        """An exit after its entry: at the entry's price where that has passed it already, else at its own."""
        self.met["exits in the bar of their entry"] += 1
        entered, price, waited = self.orders[order.parent].filled_ticks, order.limit, order.waits
        if waited:
            price = entered if order.reaches(entered) else order.stop
            self.trigger(order)
        if not order.is_limit or (waited and order.betters(price, through=False)):
            self.take(order, price, bar, is_ambiguous=True)
        elif waited and order.is_stop:
            order.sits_out, order.rests = bar.ns, True
        elif not waited and order.betters(entered, through=self.rules.needs_through):
            self.take(order, entered, bar, is_maker=order.rests, is_ambiguous=True)
        elif not waited:
            self.take(order, price, bar, is_maker=True, is_ambiguous=True)
        if order.type >= OrderType.STOP and order.sits_out != bar.ns:
            self.end_leftover(order, is_opening=False)

    def end_leftover(self, order: Order, *, is_opening: bool) -> None:
        """What may not outlive its first chance ends."""
        if order.is_done or order.waits:
            return
        if order.force in AT_ONCE:
            is_ioc = order.force == TimeInForce.IOC
            self.end(order, Kind.ORDER_CANCELLED, Reason.IOC_REMAINDER if is_ioc else Reason.FOK_NOT_FILLABLE)
        elif order.force == TimeInForce.AT_OPEN and is_opening:
            self.end(order, Kind.ORDER_EXPIRED, Reason.MISSED_OPEN)


def _only_at_open(order: Order) -> bool:
    """Whether a bar's open is its only chance."""
    return order.force == TimeInForce.AT_OPEN or (order.type == OrderType.LIMIT and order.force in AT_ONCE)


def exhaust(acts: Iterable[Order]) -> None:
    for _ in acts:
        pass
