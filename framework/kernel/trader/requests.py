"""What a request asks for: the units that read the root's request and propose it."""

from __future__ import annotations

from framework.kernel.layout.roots import trader_row
from framework.kernel.machine.compile import Unit
from framework.kernel.trader.order_terms import type_of
from framework.kernel.trader.propose import aim_quantity, aim_weight, propose, propose_bracket, propose_cancel, propose_replace

ASK_WEIGHT, ASK_QUANTITY = 0, 1
ASK_ORDER, ASK_BRACKET, ASK_CANCEL, ASK_REPLACE = 2, 3, 4, 5


def _aim_unit(trader: int, _: int) -> int:
    t = trader_row(trader, 0)
    r = t.request
    if r.what == ASK_WEIGHT:
        return aim_weight(t, r.instrument, r.quantity)
    return aim_quantity(t, r.instrument, r.quantity)


def _order_unit(trader: int, _: int) -> int:
    t = trader_row(trader, 0)
    r = t.request
    if r.what == ASK_CANCEL:
        return propose_cancel(t, r.order_id, r.reason)
    if r.what == ASK_REPLACE:
        return propose_replace(t, r.order_id, r.quantity, r.limit, r.stop)
    if r.what == ASK_BRACKET:
        return propose_bracket(t, r.instrument, r.side, r.type, r.quantity, r.limit, r.stop, r.target, r.loss)
    kind = type_of(r.given, r.flags)
    terms = r.time_in_force, r.flags, r.quantity, r.limit, r.stop, r.given, r.expire_ns, r.parent, r.group
    return propose(t, r.instrument, r.side, kind, *terms)


AIMS = Unit(_aim_unit)
ORDERS = Unit(_order_unit)
