"""Room in the tables: every row that is added to one passes here, and a table that is full grows where it stands.

A full table is grown by a call out of compiled code to whoever owns its memory (`Half.grow`), so nobody has to work out beforehand
how many rows an event can cause. The memory that it leaves stays valid until the compiled code has returned: an event or an order that
somebody holds can still be read. It must not be written any more, so a table of orders grows before any of its rows is held.

Where there is no memory the run breaks, and so it does where orders never end at one stamp. What has no room is left out; functions
that must return a row return the spare one that every table has behind its last.
"""

from __future__ import annotations

from framework.kernel.layout.codes import BROKEN_BY_STORM, BROKEN_FOR_ROOM
from framework.kernel.layout.latency_records import Traffic, traffic_row
from framework.kernel.layout.roots import EXCHANGE_TABLES, TRADER_TABLES, ExchangeRoot, Root, TraderRoot, event_row, trader_row
from framework.kernel.machine.compile import address_of, call, inlined, kernel, outlined
from framework.kernel.machine.machine_code import CHECKS
from framework.schema.event import Event

_OF_TRADER = {name: number for number, name in enumerate(TRADER_TABLES)}
_OF_VENUE = {name: number for number, name in enumerate(EXCHANGE_TABLES)}

LOTS, ORDERS, TRADES = _OF_TRADER["lots"], _OF_TRADER["orders"], _OF_TRADER["trades"]
POINTS, CHANGES, OUTBOX = _OF_TRADER["points"], _OF_TRADER["changes"], _OF_TRADER["outbox"]
FLOWS, STANCES = _OF_TRADER["flows"], _OF_TRADER["stances"]
FLOWS, DEPOSITS = _OF_TRADER["flows"], _OF_TRADER["deposits"]
_LOG, _RESTING = _OF_TRADER["log"], _OF_TRADER["resting"]
OLD_ORDERS, ORDER_ENTRY, RESPONSE, KEPT = _OF_VENUE["old_orders"], _OF_VENUE["order_entry"], _OF_VENUE["response"], _OF_VENUE["kept"]
_TRAFFIC, _VENUE_RESTING = _OF_VENUE["traffic"], _OF_VENUE["resting"]
TURNS = _OF_VENUE["turns"]

MOST_COMMANDS = 250_000
"""Most that is ordered at one stamp: orders, cancels and changes, those too that are refused and those that fills cause."""

HASH, HASH_SHIFT = 2_654_435_761, 16
"""2**32 over the golden ratio: numbers that follow each other, or lie a power of two apart, come to stand apart."""

KEPT_ORDERS = 65_536
"""A strategy can read an order that has ended while it is among the last so many."""

_PARTS = 8
"""The log is drained when less than one of so many parts of it is free."""


@outlined
def grown(half: Root, table: int) -> bool:
    """Ask for a larger table; where there is none the run breaks, and the replay stops as soon as it looks."""
    if half.grow != 0 and call(half.grow, address_of(half), table) != 0:
        return True
    if half.trader != 0:
        t = trader_row(half.trader, 0)
        if t.broken == 0:
            t.broken, t.broken_order, t.broken_state = BROKEN_FOR_ROOM, table, 0 if half.trader == address_of(half) else 1
        t.touched = 1
    return False


@inlined
def has_row(half: Root, count: int, capacity: int, table: int) -> bool:
    """Whether a row can be added to a table, which grows where it is full."""
    return not CHECKS or count < capacity or grown(half, table)


@inlined
def next_in_log(t: TraderRoot) -> Event:
    """Add a row to the log."""
    if not has_row(t, t.log_count, t.log_capacity, _LOG):
        return event_row(t.log, t.log_capacity)
    t.log_count += 1
    return event_row(t.log, t.log_count - 1)


@inlined
def is_log_filling(t: TraderRoot) -> bool:
    """Whether the log is to be drained before the replay goes on."""
    return _PARTS * (t.log_capacity - t.log_count) < t.log_capacity


@inlined
def count_command(t: TraderRoot) -> None:
    """Count what is ordered at one stamp; what never ends there would fill all memory, and is broken off."""
    if t.commands_ns != t.now_ns:
        t.commands_ns, t.commands = t.now_ns, 0
    t.commands += 1
    if t.commands > MOST_COMMANDS and t.broken == 0:
        t.broken = BROKEN_BY_STORM


@inlined
def hashed_row(order_id: int, mask: int) -> int:
    """Where an order's run begins in a hash table with a power of two of rows."""
    return (order_id * HASH >> HASH_SHIFT) & mask


@kernel
def traffic_of(x: ExchangeRoot, order_id: int) -> Traffic:
    """What was sent about an order so far."""
    k = _traffic_place(x, order_id)
    row = traffic_row(x.traffic, k)
    if row.order_id == order_id:
        return row
    if 2 * (x.traffic_count + 1) > x.traffic_capacity:
        if not grown(x, _TRAFFIC):
            return traffic_row(x.traffic, x.traffic_capacity)
        k = _traffic_place(x, order_id)
    row = traffic_row(x.traffic, k)
    row.order_id, row.number, row.commands, row.answers = order_id, 0, 0, 0
    x.traffic_count += 1
    return row


@kernel
def _traffic_place(x: ExchangeRoot, order_id: int) -> int:
    """The row of an order, or the free one where it would stand."""
    mask = x.traffic_capacity - 1
    k = hashed_row(order_id, mask)
    while traffic_row(x.traffic, k).order_id != order_id and traffic_row(x.traffic, k).order_id >= 0:
        k = (k + 1) & mask
    return int(k)


@inlined
def lacks_rows(half: Root) -> bool:
    """Whether the hash table of resting orders must grow before one more comes: it is kept half empty."""
    return 2 * (half.resting_count + 1) > half.resting_capacity


@inlined
def has_resting_row(half: Root) -> bool:
    """Whether one more resting order of somebody else can be kept."""
    if not lacks_rows(half):
        return True
    return grown(half, _RESTING if half.trader == address_of(half) else _VENUE_RESTING)
