"""Latencies that vary: how long each message is on its way, and the order in which messages arrive.

    decision     drawn from quantiles, keyed by (seed, leg, stamp of the decision): what is decided together leaves together
    order entry  arrival = decided + decision(decided) + order entry(sent)
    response     received = answered + response(answered)

Draws of order entry and response are keyed by (seed, leg, owner, instrument, how manieth order there, nth message of the order), so that
one more order shifts no draw of another instrument; those of charges and settlements by their kind and stamp. A
quantile table is read by linear interpolation at a uniform number. Recorded messages are interpolated linearly in time between those
around the sending, beyond the first and the last the nearest holds: the `IntpOrderLatency` of hftbacktest.

A submit and its further terms are one message, and so are a fill and its costs. Answers are delivered in the order in which they were sent:
a session (FIX, a TCP connection, a stream over a websocket) numbers them, and who gets the second first waits. So an answer is delivered no
sooner than the one before it, and both accounts book fills in one order. Commands overtake each other, unless `keeps_order` says that
none does.

Assumptions: a leg does not know how busy it is; no message is lost.
Fails when: latency comes in bursts and is drawn, not recorded: draws are independent of each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.kernel.layout.codes import CHARGE, COSTS, INSTRUCTIONS, SETTLED, TERMS
from framework.kernel.layout.depth_records import word_row
from framework.kernel.layout.latency_records import CONSTANT, RECORDED, LatencyLeg, Traffic, point_row
from framework.kernel.layout.roots import ExchangeRoot, event_row, exchange_row
from framework.kernel.layout.table_room import traffic_of
from framework.kernel.layout.venue_records import listing_row
from framework.kernel.machine.compile import Unit, kernel
from framework.kernel.machine.random import keyed_word, uniform

_EVENT_BYTES, _EVENT_WORDS = 64, 8
_ONLY_OWNER = 0
"""Whose orders these are: so far there is one owner."""


@kernel
def delay_ns(leg: LatencyLeg, at_ns: int, who: int, nth: int) -> int:
    """How long a message is on its way that sets out at `at_ns`; a draw is keyed by `who` and `nth`."""
    if leg.model == CONSTANT:
        return leg.constant_ns
    if leg.model == RECORDED:
        return _interpolated(leg, at_ns)
    place = uniform(leg.key, who, nth) * (leg.points_count - 1)
    k = min(int(place), leg.points_count - 2)
    low, high = point_row(leg.points, k).delay_ns, point_row(leg.points, k + 1).delay_ns
    return low + round((high - low) * (place - k))


@kernel
def _interpolated(leg: LatencyLeg, at_ns: int) -> int:
    first, last = 0, leg.points_count - 1
    if at_ns <= point_row(leg.points, first).at_ns:
        return point_row(leg.points, first).delay_ns
    if at_ns >= point_row(leg.points, last).at_ns:
        return point_row(leg.points, last).delay_ns
    while last - first > 1:
        middle = (first + last) // 2
        if point_row(leg.points, middle).at_ns <= at_ns:
            first = middle
        else:
            last = middle
    low, high = point_row(leg.points, first), point_row(leg.points, last)
    return low.delay_ns + round((high.delay_ns - low.delay_ns) * ((at_ns - low.at_ns) / (high.at_ns - low.at_ns)))


@kernel
def delays_of(leg: LatencyLeg, stamps_ns: NDArray[np.int64], who: int, found: NDArray[np.int64]) -> None:
    """Draw a delay for each stamp into `found`: messages of one stamp share theirs."""
    for k in range(len(stamps_ns)):
        found[k] = delay_ns(leg, stamps_ns[k], who, stamps_ns[k])


@kernel
def is_of_position(kind: int) -> bool:
    """Whether an answer is about a position and not an order."""
    return kind == CHARGE or kind == SETTLED


@kernel
def _put_before(queue: int, place: int, last: int) -> None:
    """Move the last row of a queue to `place`; those from there on move up by one."""
    for k in range(last, place, -1):
        below, above = queue + (k - 1) * _EVENT_BYTES, queue + k * _EVENT_BYTES
        for w in range(_EVENT_WORDS):
            kept = word_row(above, w).value
            word_row(above, w).value = word_row(below, w).value
            word_row(below, w).value = kept


@kernel
def _key_of_order(x: ExchangeRoot, instrument: int, traffic: Traffic) -> int:
    """The word that an order has in the keys of its draws; its first message numbers it among those of its instrument."""
    listing = listing_row(x.listings, instrument)
    if traffic.number == 0:
        listing.orders += 1
        traffic.number = listing.orders
    return keyed_word(listing.draw_key, _ONLY_OWNER, traffic.number)


def _send_command(exchange: int, _: int) -> int:
    """Stamp the command past the end of order entry with its arrival, and put it behind those that arrive no later."""
    x = exchange_row(exchange, 0)
    row = event_row(x.order_entry, x.order_entry_count)
    if row.kind == TERMS or row.kind == INSTRUCTIONS:
        arrives_ns = x.last_arrival_ns  # its submit's
    else:
        traffic = traffic_of(x, row.w0)
        sent_ns = row.ts_local_ns + delay_ns(x.decision_leg, row.ts_local_ns, 0, row.ts_local_ns)
        arrives_ns = sent_ns + delay_ns(x.order_entry_leg, sent_ns, _key_of_order(x, row.instrument, traffic), traffic.commands)
        traffic.commands += 1
        if x.keeps_order != 0:
            arrives_ns = max(arrives_ns, x.last_arrival_ns)
    x.last_arrival_ns, row.ts_venue_ns = arrives_ns, arrives_ns
    place = x.order_entry_count
    while place > x.order_entry_head and event_row(x.order_entry, place - 1).ts_venue_ns > arrives_ns:
        place -= 1
    _put_before(x.order_entry, place, x.order_entry_count)
    x.order_entry_count += 1
    x.due_ns = min(x.due_ns, arrives_ns)
    return 0


def _send_answer(exchange: int, _: int) -> int:
    """Stamp the answer past the end of the responses with when it is delivered: not before any answer that was sent sooner."""
    x = exchange_row(exchange, 0)
    row = event_row(x.response, x.response_count)
    at_ns, earliest_ns = row.ts_venue_ns, row.ts_local_ns  # it is not delivered before that
    if row.kind == COSTS:
        arrives_ns = earliest_ns  # they come with their fill, the last that is delivered
    elif is_of_position(row.kind):
        arrives_ns = at_ns + delay_ns(x.response_leg, at_ns, -1 - (row.w0 if row.kind == CHARGE else SETTLED), at_ns)
    else:
        traffic = traffic_of(x, row.w0)
        key = _key_of_order(x, row.instrument, traffic)
        arrives_ns = at_ns + delay_ns(x.response_leg, at_ns, key, traffic.answers)
        traffic.answers += 1
    row.ts_local_ns = x.last_answer_ns = max(arrives_ns, max(earliest_ns, x.last_answer_ns))
    x.response_count += 1
    x.due_ns = min(x.due_ns, row.ts_local_ns)
    return 0


SEND_COMMAND, SEND_ANSWER = Unit(_send_command), Unit(_send_answer)
