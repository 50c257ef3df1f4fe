"""From a weight to lots: how large a target is, after costs and with room for the price to move until the fill."""

from __future__ import annotations

import numpy as np

from framework.kernel.account.positions import position_of, rate_of
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.machine.compile import kernel
from framework.kernel.market.costs import planned_cost
from framework.kernel.market.marks import marks_of, mean_gap, terms_of
from framework.kernel.market.money import lot_notional
from framework.kernel.market.valuation import WITH_ORDERS, cash_value, initial_needed, projected_value, sum_up
from framework.kernel.trader.approval import EXPOSURE_SLACK

GAPS = 3.0
"""How many mean gaps are kept free. A normal distribution's mean gap is 0.8 of its deviation, so one rise in 120 is larger than three."""

_MOST_GAP = 2.0
"""No look at the gaps where this many times the target could be paid for."""


@kernel
def _affordable_at_gap(t: TraderRoot, instrument: int, target: float, weight: float, equity: float) -> float:
    """What of a target can be paid for if the price moves by an unusual gap until the fill; signed lots, never less than is held of it.

    With T the target, h what is held on its side (negative: on the other), v the value of a lot and g `GAPS` times the mean gap,

        |T| v + g v (|T| - h)   <=   own,

    where own is the instrument's part of what the leverage limit allows: its share of the weights that are set together, else what
    others leave. Only what is added waits for a price, so what is held is never sold for it, and a target below the limit is kept.

    Assumptions: the move to the next fill is as large as the last gaps between bars were.
    Fails when: news come overnight, or many instruments that were set one by one gap together: then cash cuts the order.
    """
    side = 1.0 if target > 0.0 else -1.0
    held, wanted = position_of(t, instrument).lots * side, abs(target)
    if wanted <= held:
        return target
    terms, marks = terms_of(t, instrument), marks_of(t, instrument)
    value = lot_notional(terms, marks.mark_ticks) * rate_of(t, terms.currency)
    own = t.risk.max_leverage * equity
    if t.request.gross > 0.0:
        own *= abs(weight) / t.request.gross
    else:
        own -= t.projected - projected_value(t, instrument)
    if t.has_margin != 0 and terms.initial_margin > 0.0:
        own = min(own, (equity - initial_needed(t, instrument, WITH_ORDERS)) / terms.initial_margin)
    if own > _MOST_GAP * wanted * value or own * (1.0 + EXPOSURE_SLACK) < wanted * value:
        return target  # far within the limit, or beyond it: that is refused, not cut
    gap = GAPS * mean_gap(t, instrument)
    if marks.bid > 0 and marks.ask > 0:
        gap += 0.5 * (marks.ask - marks.bid) / marks.mark_ticks
    most = (own / value + gap * held) / (1.0 + gap)
    return side * min(wanted, max(most, max(held, 0.0)))


@kernel
def target_lots(t: TraderRoot, instrument: int, weight: float) -> float:
    """The signed lots that make `weight` of equity at the present mark, rounded toward zero; a float, since they may be beyond every range.

    What the change is expected to cost comes out of the position itself, and equity is what is left after the expected costs
    of all working orders: so weights that add up to the leverage limit pass the exposure rule. Where they do, `_affordable_at_gap` leaves
    room for the price to move until the fill.
    """
    terms, marks, position = terms_of(t, instrument), marks_of(t, instrument), position_of(t, instrument)
    rate = rate_of(t, terms.currency)
    if marks.seen_ns == 0 or not rate > 0.0:
        return 0.0
    sum_up(t)
    equity = cash_value(t) + t.net - t.pending_costs
    if equity < 0.0:
        equity = 0.0  # a share of less than nothing is nothing: whatever is held is closed
    value = lot_notional(terms, marks.mark_ticks) * rate
    target = weight * equity / value
    change = target - position.lots
    if weight != 0.0 and change != 0.0:
        cost = planned_cost(t, instrument, abs(change), marks.mark_ticks) * rate
        target -= min(cost / value, abs(target)) if target > 0.0 else -min(cost / value, abs(target))
        target = _affordable_at_gap(t, instrument, target, weight, equity)
    return float(np.trunc(target + (1e-9 if target > 0.0 else -1e-9)))
