"""What reaches a venue while a bar is under way whose open an order waits for, written plainly from `docs/fills.md`.

Such a cancel, change or date acts when the bar is told: after what its open has filled, and for the order nothing else of that bar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Protocol

from framework.schema.order import TimeInForce
from tests.properties.plain_orders import Order, Session

NEVER = 2**62


class Kept(NamedTuple):
    """A command or date that waits for a bar: when it came, when the bar should have been told by, and what it does."""

    came: int
    ends: int
    order: Order
    act: Callable[[], None]


class Venue(Protocol):
    """What must be known of the venue."""

    now: int
    session: Session
    last_bar: dict[int, int]
    last_close: dict[int, int]
    matched: dict[int, int]
    lengths: dict[int, int]
    kept: list[Kept]
    met: Counter[str]

    def would_fill_at(self, order: Order, price: int) -> bool: ...


def bar_ends(venue: Venue, order: Order, now: int) -> int | None:
    """When the bar ends that is under way at a moment and whose open an order waits for; None where there is none."""
    i, session = order.instrument, venue.session
    if i not in venue.last_bar or order.filled or order.force == TimeInForce.AT_CLOSE or (session.is_known and not session.is_open):
        return None
    last, length = venue.last_bar[i], venue.lengths.get(i, 0)
    begins, ends = max(last, venue.matched.get(i, 0)), NEVER  # what a bar's own fills send comes after it
    if session.is_known:
        begins, ends = max(begins, session.opens), session.closes
    if now <= begins:
        return None
    if length:  # bars lie on one grid
        on_grid = last + (now - 1 - last) // length * length
        begins, ends = max(begins, on_grid), min(ends, on_grid + length)
    if order.arrived > begins:
        return None
    if order.force == TimeInForce.AT_OPEN and (last > session.opens or order.arrived > session.opens):
        return None
    return ends if venue.would_fill_at(order, venue.last_close[i]) else None


def waits(venue: Venue, order: Order) -> bool:
    """Whether something about an order waits for a bar."""
    return any(each.order is order for each in venue.kept)


def keeps(venue: Venue, order: Order, act: Callable[[], None], at: int = 0) -> bool:
    """Keep a command or date where it has to wait for the bar under way; what comes after one that is kept is kept too.

    `at` is the moment that counts if it is not the present one.
    """
    ends = None if order.is_done else bar_ends(venue, order, at or venue.now)
    if ends is None and (order.is_done or not waits(venue, order)):
        return False
    venue.met["commands that waited for a bar"] += 1
    venue.kept.append(Kept(venue.now, NEVER if ends is None else ends, order, act))
    return True


def release(venue: Venue, is_due: Callable[[Kept], bool]) -> None:
    """Let what is due act, in the order in which it came."""
    due = [each for each in venue.kept if is_due(each)]
    venue.kept[:] = [each for each in venue.kept if not is_due(each)]
    for each in due:
        each.act()
