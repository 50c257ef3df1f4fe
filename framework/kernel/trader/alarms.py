"""What came from outside and cannot be: it is written to the log as an alarm, its instrument may only reduce from then on, and all goes on.

Both are derived: a replay of the record derives them again. A venue that we simulate says nothing that cannot be, so there an alarm is a
fault of ours and ends the run: see `impossible_answers` of the root.
"""

from __future__ import annotations

from framework.kernel.layout.codes import ALARM, NORMAL, OF_ACCOUNT, OF_INSTRUMENT, R_IMPOSSIBLE, REDUCING, STANCE
from framework.kernel.layout.log import write
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.layout.stance_record import StanceRow, stance_row
from framework.kernel.machine.compile import inlined, kernel, outlined
from framework.schema.event import NO_INSTRUMENT
from framework.schema.order import Order

NO_ORDER = -1
"""The order of an alarm about something that tells of none."""

_OWNERS = 2
"""Rows of the table of stances behind those of the instruments: the account, the firm, then the owners."""


@inlined
def account_stance(t: TraderRoot) -> StanceRow:
    """The row of the account."""
    return stance_row(t.stances, t.positions_count)


@inlined
def firm_stance(t: TraderRoot) -> StanceRow:
    """The row of the firm."""
    return stance_row(t.stances, t.positions_count + 1)


@inlined
def owner_place(t: TraderRoot, owner: int) -> int:
    """The place of an owner's row; the table may end before it."""
    return t.positions_count + _OWNERS + owner


@kernel
def stance_at(t: TraderRoot, instrument: int) -> int:
    """The severest stance of an instrument, the account and the firm; an instrument with unknown orders may only reduce."""
    row = stance_row(t.stances, instrument)
    held = max(row.stance, REDUCING if row.unknown_orders > 0 else NORMAL)
    return int(max(held, max(account_stance(t).stance, firm_stance(t).stance)))


@kernel
def stance_of(t: TraderRoot, instrument: int, owner: int) -> int:
    """The severest of all stances that an order of an owner meets."""
    if t.has_stance == 0:
        return NORMAL
    place = owner_place(t, owner)
    return int(max(stance_at(t, instrument), stance_row(t.stances, place).stance if place < t.stances_count else NORMAL))


@outlined
def raise_alarm_of(t: TraderRoot, alarm: int, order: Order, said: int) -> None:
    """`raise_alarm` about an order that there is; `said`: the kind of event that told of it."""
    raise_alarm(t, alarm, order.instrument, order.order_id, said, order.state)


@outlined
def raise_alarm(t: TraderRoot, alarm: int, instrument: int, order_id: int, answer: int, state: int) -> None:
    """Tell what cannot be, and let its instrument only reduce; where it names none that there is, the account."""
    if t.impossible_answers == 0 and t.broken == 0:
        t.alarm, t.broken_order, t.broken_event, t.broken_state = alarm, order_id, answer, state
    t.impossible_answers += 1
    is_known = 0 <= instrument < t.positions_count
    where = instrument if is_known else NO_INSTRUMENT
    write(t, ALARM, 0, where, t.now_ns, alarm, order_id, answer, state, 0)
    row = stance_row(t.stances, instrument) if is_known else account_stance(t)
    if row.stance < REDUCING:
        row.stance, row.reason, t.has_stance = REDUCING, R_IMPOSSIBLE, 1
        scope, key = OF_INSTRUMENT if is_known else OF_ACCOUNT, instrument if is_known else 0
        write(t, STANCE, 0, where, t.now_ns, scope, key, REDUCING, R_IMPOSSIBLE, 0)
