"""Fills that wait for the others of their stamp: what is bought at an open can be paid with what is sold at the same open.

The events of a stamp are matched one after the other, in the order of the tape. Where the account could not carry every fill of the
stamp that adds to a position, those wait until the last of its bars and quotes: by then everything that reduces one has filled. They
follow in the order in which they were sent, at their prices and with the volume they had, whatever their instruments are called.

Whether all could be carried is asked once a stamp, of what its bars can fill at their open, or at the limit where that is the worse
price. A fill that cannot be carried at its turn after all waits as well.
"""

from __future__ import annotations

from typing import Any

from framework.kernel.account import account_of, summed_account
from framework.kernel.book import terms_of
from framework.kernel.codes import BAR, O_REDUCE_ONLY, QUOTE
from framework.kernel.compile import kernel, outlined
from framework.kernel.contracts import notional_of
from framework.kernel.costs import planned_cost
from framework.kernel.depth import depth_of
from framework.kernel.exchange import venue_book
from framework.kernel.ledger import position_of, rate_of
from framework.kernel.lifecycle import leaves
from framework.kernel.orders import is_done, order_of
from framework.kernel.records import event_row
from framework.kernel.room import WAITING, has_row
from framework.kernel.valuation import cash_value, initial_held
from framework.kernel.venue_records import waiting_row

_NO_INSTRUMENT = -1


@kernel
def _is_of_stamp(x: Any, row: int, stamp_ns: int) -> bool:
    """Whether a row of the tape is a bar or quote of a stamp."""
    if row < 0 or row >= x.tape_count:
        return False
    event = event_row(x.tape, row)
    return event.ts_local_ns == stamp_ns and (event.kind == BAR or event.kind == QUOTE)


@kernel
def is_last_of_stamp(t: Any, x: Any, event: Any) -> bool:
    """Whether no further bar or quote of the present stamp comes."""
    return not _is_of_stamp(x, t.seen - x.tape_start + 1, event.ts_local_ns)


@kernel
def can_wait(t: Any, x: Any, event: Any) -> bool:
    """Whether the stamp has other bars and quotes, whose fills may pay for one of this."""
    if (event.kind != BAR and event.kind != QUOTE) or x.fills_waiting != 0 or x.venue_tape != 0 or x.working < 2:
        return False
    if event.kind == QUOTE and depth_of(x, event.instrument).bids != 0:
        return False  # it is matched as the book beside it
    row, stamp_ns = t.seen - x.tape_start, event.ts_local_ns
    if not _is_of_stamp(x, row, stamp_ns):
        return False  # a trade that is matched as a bar
    return _is_of_stamp(x, row + 1, stamp_ns) or _is_of_stamp(x, row - 1, stamp_ns)


@kernel
def _adding_lots(account: Any, order: Any) -> int:
    """How many lots of an order's rest would add to the position."""
    held = position_of(account, order.instrument).lots
    return leaves(order) if held * order.side >= 0 else max(leaves(order) - abs(held), 0)


@outlined
def _see_stamp(t: Any, x: Any) -> None:
    """Work out whether the account can carry all that this stamp may add to positions."""
    account = summed_account(t, x)
    equity = cash_value(account) + account.net
    room, margin_room = t.risk.max_leverage * equity - account.gross, equity - initial_held(account, _NO_INSTRUMENT)
    row, stamp_ns = t.seen - x.tape_start, event_row(x.tape, t.seen - x.tape_start).ts_local_ns
    while _is_of_stamp(x, row, stamp_ns):
        event = event_row(x.tape, row)
        row += 1
        at = venue_book(x, event.instrument).first
        while at >= 0:
            order = order_of(x, at)
            at = order.next_working
            lots = 0 if is_done(order) or order.flags & O_REDUCE_ONLY else _adding_lots(account, order)
            if lots == 0:
                continue
            ticks = event.w1 if event.kind == QUOTE and order.side > 0 else event.w0
            if order.limit_ticks > 0:
                reached = event.w2 if order.side > 0 else event.w1
                if event.kind == BAR and (order.limit_ticks - reached) * order.side < 0:
                    continue  # the bar does not come to its limit
                ticks = max(ticks, order.limit_ticks)
            terms = terms_of(t, event.instrument)
            rate = rate_of(t, terms.currency)
            notional = notional_of(terms, lots, ticks) * rate
            cost = planned_cost(t, event.instrument, float(lots), float(ticks)) * rate
            room -= notional + t.risk.max_leverage * cost
            margin_room -= notional * terms.initial_margin + cost
    x.stamp_ns, x.stamp_waits = stamp_ns, 0 if room >= 0.0 and margin_room >= 0.0 else 1


@kernel
def waits(t: Any, x: Any, order: Any, event: Any) -> bool:
    """Whether a fill that adds to a position must wait for the others of its stamp."""
    if not can_wait(t, x, event):
        return False
    if _adding_lots(account_of(t, x), order) == 0:
        return False
    if x.stamp_ns != event.ts_local_ns:
        _see_stamp(t, x)
    return x.stamp_waits != 0


@kernel
def wait(t: Any, x: Any, order: Any, lots: int, ticks: int, flags: int, event: Any) -> int:
    """Let a fill wait; returns the lots that it keeps of the volume."""
    if not has_row(x, x.waiting_count, x.waiting_capacity, WAITING):
        return 0
    at = x.waiting_count
    while at > 0 and waiting_row(x.waiting, at - 1).order_id > order.order_id:
        at -= 1
    for k in range(x.waiting_count, at, -1):
        above, below = waiting_row(x.waiting, k), waiting_row(x.waiting, k - 1)
        above.order_id, above.lots, above.ticks, above.flags, above.row = below.order_id, below.lots, below.ticks, below.flags, below.row
    row = waiting_row(x.waiting, at)
    row.order_id, row.lots, row.ticks, row.flags, row.row = order.order_id, lots, ticks, flags, t.seen - x.tape_start
    x.waiting_count += 1
    order.blocked_ns = event.ts_local_ns  # for the rest of the bar
    return lots


@kernel
def is_waiting(x: Any, order_id: int) -> bool:
    """Whether a fill of an order waits."""
    found = False
    for k in range(x.waiting_count):
        found = found or waiting_row(x.waiting, k).order_id == order_id
    return found


@kernel
def give_up_waiting(x: Any, order: Any) -> None:
    """An order that sits out the rest of its bar: a fill of it that waits is not made, and what it kept of the volume is there again."""
    for k in range(x.waiting_count):
        row = waiting_row(x.waiting, k)
        if row.order_id == order.order_id:
            venue_book(x, order.instrument).left_lots += row.lots
            row.lots = 0


@kernel
def awaits_entry(t: Any, x: Any, order: Any, event: Any) -> bool:
    """Whether a fill that waits will give a reduce-only order something to reduce."""
    found = False
    if can_wait(t, x, event):
        for k in range(x.waiting_count):
            other = order_of(x, waiting_row(x.waiting, k).order_id)
            found = found or (other.instrument == order.instrument and other.side != order.side)
    return found
