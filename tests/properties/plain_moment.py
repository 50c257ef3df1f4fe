"""Bars and quotes of one stamp, matched together, written plainly from `docs/fills.md`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from framework.schema.event import Kind
from tests.properties.plain_bars import Acts, exhaust
from tests.properties.plain_broker import Broker
from tests.properties.plain_orders import Market, Order, Turn
from tests.properties.plain_under_way import release


class Moments(Broker):
    """Every step is gone through for all instruments before the next one begins."""

    def moment(self, told: Sequence[Turn]) -> None:
        """Match bars and quotes of one stamp."""
        turns = [turn for turn in told if self.meets_us(turn.event)]
        if not turns:
            return
        bars = [turn for turn in turns if turn.event.kind == Kind.BAR]
        for turn in bars:
            self.begin(turn)
        is_short = len(turns) > 1 and self.is_short_of_money(turns)
        trading = [turn for turn in bars if turn.is_trading]
        quotes = {id(turn): self.quoted(turn) for turn in turns if turn.event.kind == Kind.QUOTE}
        opening = [turn for turn in turns if turn.is_trading]
        self.step(opening, lambda turn: quotes.get(id(turn)) or self.opening(turn), is_short=is_short)
        for turn in trading:
            self.after_open(turn)
        self.step(trading, self.stops_inside, is_short=is_short)
        for turn in bars:
            self.enforce_inside(turn.event)
        self.step(trading, self.limits_inside, is_short=is_short)
        for turn in bars:
            if turn.is_trading:
                self.after_limits(turn)
            self.sweep(turn.event.instrument)
            if turn.is_trading:
                release(self, lambda each, i=turn.event.instrument: each.order.instrument == i)  # type: ignore[misc]
        self.let_in()
        for turn in bars:
            self.match_exits(turn.event)
        closing = [turn for turn in trading if turn.is_closing]
        self.step(closing, self.closing_prices, is_short=is_short)
        for turn in closing:
            self.after_close(turn)
        for turn in bars:
            self.enforce_inside(turn.event)

    def meets_us(self, event: Market) -> bool:
        """Whether a bar or quote does something for an order, or is to be judged by its worst price."""
        i = event.instrument
        is_judged = event.kind == Kind.BAR and self.prices.terms[i].is_margined and self.account.lots(i) != 0
        return bool(self.lines.get(i)) or is_judged

    def quoted(self, turn: Turn) -> Acts:
        """A quote is matched as a whole: at its turn among the orders that add, if any of its own does."""
        quote = turn.event
        adding = [order for order in self.line_of(turn) if self.adds(order)] if quote.instrument not in self.books else []
        if adding:
            yield adding[0]
        self.quote(quote.ns, quote.instrument, quote.low, quote.high, *turn.shown)

    def adds(self, order: Order) -> bool:
        return self.adding(order) > 0

    def step(self, turns: Sequence[Turn], steps: Callable[[Turn], Acts], *, is_short: bool) -> None:
        """Where money is short what only reduces acts first, then what adds in the order in which it was sent."""
        if not is_short:
            for turn in turns:
                exhaust(steps(turn))
            return
        waiting: list[tuple[int, int, Iterator[Order]]] = []
        for k, turn in enumerate(turns):
            acts = iter(steps(turn))
            waiting += self.until_one_adds(k, acts)
        while waiting:
            self.met["orders that waited for others of their stamp"] += 1
            waiting.sort(key=lambda each: each[:2])
            _, k, acts = waiting.pop(0)
            waiting += self.until_one_adds(k, acts)

    def until_one_adds(self, k: int, acts: Iterator[Order]) -> list[tuple[int, int, Iterator[Order]]]:
        """Let orders act until one adds; that one's number with what is left, nothing where none is left."""
        for order in acts:
            if self.adds(order):
                return [(order.number, k, acts)]
        return []
