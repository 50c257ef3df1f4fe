"""The place of our orders in the lines of a book: how much stands ahead, and what moves it.

An order that joins has everything ahead that stands at its price. From there:

- Where the source tells orders (L3) the line is known: what an order ahead of ours loses, by a trade or a cancel, is lost ahead.
- Where it tells levels (L2), trades at the price take from the front. Of any other decrease by d lots, with f lots in front of
  our order and b behind it, a share p comes from behind:

      f' = min(f - (1 - p) d + min(b - p d, 0), lots left)

      pessimistic   p = 1: nobody ahead ever cancels
      power n       p = b^n / (b^n + f^n); n = 1 is proportional
      logarithm     p = log(1 + b) / (log(1 + b) + log(1 + f))

  Those are the models that hftbacktest documents ("Order Fill", probability queue position models), after Rigtorp's "Estimating
  Order Queue Position" (2013).

An increase never moves us. A trade and the update of its level are two events of a source; what a trade took already is not
taken again by the update.

Fails when: cancels cluster at the front or back of the line in another way than the model says, or when a source tells the
update of a level before its trade.
"""

from __future__ import annotations

import math

from framework.kernel.layout.codes import O_ICEBERG, QUEUE_LOG, QUEUE_PESSIMISTIC
from framework.kernel.layout.depth_records import DepthBook
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.machine.compile import inlined, kernel
from framework.kernel.market.lifecycle import leaves
from framework.kernel.market.order_book import lots_at
from framework.schema.order import Order


@inlined
def stand_behind(x: ExchangeRoot, depth: DepthBook, order: Order) -> None:
    """Stand behind everything at the order's limit."""
    order.ahead_lots = float(lots_at(x, depth, order.side, order.limit_ticks))
    order.passed_lots = 0.0
    order.place = depth.places


@inlined
def join_line(x: ExchangeRoot, depth: DepthBook, order: Order) -> None:
    """Stand at the back of the line at the order's limit, an iceberg with what it shows."""
    stand_behind(x, depth, order)
    if order.flags & O_ICEBERG:
        order.shown_lots = min(order.display_lots, leaves(order))


@kernel
def share_from_behind(model: int, power: float, front: float, back: float) -> float:
    """The share of a cancel that came from behind our order, by the models above."""
    if model == QUEUE_PESSIMISTIC or front <= 0.0:
        return 1.0
    if back <= 0.0:
        return 0.0
    if model == QUEUE_LOG:
        return math.log1p(back) / (math.log1p(back) + math.log1p(front))
    return float(back**power / (back**power + front**power))


@kernel
def level_changed(t: TraderRoot, order: Order, before: int, after: int) -> None:
    """The level of our order was published again."""
    gone = before - after - order.passed_lots
    order.passed_lots = 0.0
    if gone > 0.0:
        front = order.ahead_lots
        back = before - front
        share = share_from_behind(t.costs.queue_model, t.costs.queue_power, front, back)
        order.ahead_lots = front - (1.0 - share) * gone + min(back - share * gone, 0.0)
    order.ahead_lots = min(order.ahead_lots, float(after))


@inlined
def traded_ahead(order: Order, lots: int) -> int:
    """A trade at our price took from the front of the line; returns how many lots of it reach us.

    The models leave parts of lots in front of us: half a lot and more counts as one.
    """
    order.ahead_lots -= lots
    order.passed_lots += lots
    reached = math.floor(0.5 - order.ahead_lots)
    if reached > 0:
        order.ahead_lots = 0.0
        return reached
    return 0
