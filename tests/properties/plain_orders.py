"""What a plainly written venue works with: orders, what a run is charged and allowed, market events, sessions. No speed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from framework.schema.event import Kind
from framework.schema.order import OrderType, TimeInForce
from tests.properties.decimal_ledger import ZERO

_LIMITS = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED, OrderType.TRAILING_STOP_LIMIT)
_TOUCHES = (OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED)
_TRAILING = (OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT)
AUCTIONS = (TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE)
AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


@dataclass
class Order:
    """An order, as one half has it. Prices in ticks, 0 for none."""

    number: int
    instrument: int
    side: int
    type: OrderType
    force: TimeInForce
    lots: int
    limit: int = 0
    stop: int = 0
    trail: int = 0
    trail_limit: int = 0
    expires: int = 0
    reduces_only: bool = False
    is_targets: bool = False  # it waits for what it is to close
    parent: int = -1
    group: int = -1
    is_brokers: bool = False
    filled: int = 0
    filled_at: int = -1
    filled_ticks: int = 0
    arrived: int = 0
    rests: bool = False
    has_triggered: bool = False
    sits_out: int = -1  # the stamp of the bar that it sits out
    fees: Decimal = ZERO
    is_done: bool = False

    @property
    def left(self) -> int:
        return self.lots - self.filled

    @property
    def waits(self) -> bool:
        """Whether it has a trigger that was not reached."""
        return self.type >= OrderType.STOP and not self.has_triggered

    @property
    def is_limit(self) -> bool:
        return self.type in _LIMITS

    @property
    def is_stop(self) -> bool:
        return self.type >= OrderType.STOP and not self.is_touch

    @property
    def is_touch(self) -> bool:
        return self.type in _TOUCHES

    @property
    def trails(self) -> bool:
        return self.type in _TRAILING

    def reaches(self, price: int) -> bool:
        """Whether the trigger is reached at a price."""
        return price >= self.stop if (self.side > 0) != self.is_touch else price <= self.stop

    def set_stop(self, price: int) -> None:
        """The limit of a trailing stop-limit keeps its distance."""
        self.stop = price
        if self.type == OrderType.TRAILING_STOP_LIMIT:
            self.limit = max(price + self.side * self.trail_limit, 1)

    def follow(self, best: int) -> bool:
        """Move a trailing stop with the best price; whether it moved."""
        moved = best + self.side * self.trail
        if (moved - self.stop) * self.side >= 0:
            return False
        self.set_stop(moved)
        return True

    def betters(self, price: int, *, through: bool) -> bool:
        """Whether a price fills the limit."""
        gain = (self.limit - price) * self.side
        return gain > 0 or (gain == 0 and not through)


@dataclass(frozen=True)
class Rules:
    """What a run is charged and allowed."""

    maker: Decimal = ZERO
    taker: Decimal = ZERO
    half_spread: Decimal = ZERO
    borrow: Decimal = ZERO
    participation: Decimal | None = None
    needs_through: bool = True
    leverage: Decimal = Decimal(1)
    may_short: bool = False
    asks_margin: bool = False


@dataclass(frozen=True)
class Market:
    """A bar, a quote as one (open is the price of a buyer), or a print: open, high, low, close, volume."""

    ns: int
    instrument: int
    kind: Kind
    open: int
    high: int
    low: int
    close: int
    volume: int


@dataclass
class Turn:
    """A bar or quote while it is matched with the others of its stamp; of quotes low is the bid and high the ask."""

    event: Market
    shown: tuple[int, int] = (0, 0)  # lots of a quote's bid and ask
    is_trading: bool = True
    is_closing: bool = False
    start: int = 0  # orders that came later take no part
    opened: int = -1  # the open of the session whose first bar it is, else -1


@dataclass
class Session:
    opens: int = 0
    closes: int = 0
    is_known: bool = False
    is_open: bool = False
    charged: int = 0


class Book(Protocol):
    """The lines of an instrument told by a book."""

    def enter(self, ns: int, order: Order) -> None: ...
    def amend(self, ns: int, order: Order) -> None: ...
    def sit_out(self, number: int, ns: int) -> None: ...
    def drop_ended(self) -> None: ...


Tell = Callable[..., None]
"""tell(kind, instrument, order number, *words)"""
