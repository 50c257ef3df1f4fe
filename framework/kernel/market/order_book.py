"""The order book by price: what stands on each side, in a window of ticks, and by order where the source tells orders.

Lots stand in two tables, bids and asks, by `price & mask`: a ring over a window of `mask + 1` ticks, with one bit a price for
what is not empty, so that the next best price is found in a few words. The window covers the prices of the tape where these
lie within 2**20 ticks of each other. Where they do not, or where nobody could know, it follows the best price: **a level
outside the window is not kept**, and `forgotten` counts each such level published and each one that the window has left behind.

Where the source tells orders, a hash table holds each with its price, lots and the number of its place in the line; `loose`
is what stands at a price without a known order. Either half keeps a book of its own: the venue's is at its stamp, the trader's
what we could know.

A book is unknown until its first snapshot and from a GAP to the next. See `framework.schema.event` for what DEPTH says.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import NDArray

from framework.kernel.layout.codes import F_BUY, F_CLEAR, F_LAST, GAP
from framework.kernel.layout.depth_records import DepthBook, Level, depth_row, level_row, resting_row, word_row
from framework.kernel.layout.roots import Root
from framework.kernel.layout.table_room import has_resting_row
from framework.kernel.machine.compile import inlined, kernel, leading_zeros, trailing_zeros
from framework.kernel.machine.ratio import MOST
from framework.schema.event import Event

_WORD_BITS = 64
_EDGE = 8
"""The window moves when the best price comes within an eighth of its edge."""

_signed = cast("Callable[[int], int]", np.int64)  # what a hash is worked out with has a sign
_HASH = -7046029254386353131  # 2**64 / golden ratio, as a signed word: Knuth, TAOCP volume 3, section 6.4


@kernel
def depth_of(half: Root, instrument: int) -> DepthBook:
    """The book of one instrument; its `bids` are 0 where no depth is kept of it."""
    return depth_row(half.depths, instrument)


@inlined
def level_of(half: Root, book: DepthBook, side: int, price: int) -> Level:
    """The row of a price inside the window; `side` +1 is bids, -1 asks."""
    return level_row(book.bids if side > 0 else book.asks, price & book.mask)


@inlined
def is_inside(book: DepthBook, price: int) -> bool:
    """Whether the window reaches to a price."""
    return book.low <= price <= book.low + book.mask


@inlined
def lots_at(half: Root, book: DepthBook, side: int, price: int) -> int:
    """Lots that stand at a price, 0 outside the window."""
    return level_of(half, book, side, price).lots if is_inside(book, price) else 0


@kernel
def next_bid(book: DepthBook, price: int) -> int:
    """The highest bid below a price, 0 where there is none."""
    p = price - 1
    while p >= book.low:
        slot = p & book.mask
        bit = slot & (_WORD_BITS - 1)
        word = word_row(book.bid_bits, slot >> 6).value << (_WORD_BITS - 1 - bit)
        if word != 0:
            found = p - leading_zeros(word)
            return found if found >= book.low else 0
        p -= bit + 1
    return 0


@kernel
def next_ask(book: DepthBook, price: int) -> int:
    """The lowest offer above a price, 0 where there is none."""
    p, high = price + 1, book.low + book.mask
    while p <= high:
        slot = p & book.mask
        bit = slot & (_WORD_BITS - 1)
        word = word_row(book.ask_bits, slot >> 6).value >> bit
        if bit != 0:
            word &= (1 << (_WORD_BITS - bit)) - 1  # the shift brings the sign along
        if word != 0:
            found = p + trailing_zeros(word)
            return found if found <= high else 0
        p += _WORD_BITS - bit
    return 0


@inlined
def is_crossed(book: DepthBook) -> bool:
    """Whether the best bid is above the best offer: an auction, or a feed that is late with one side. No market trades on such a book."""
    return book.ask != 0 and book.bid > book.ask


@inlined
def next_level(book: DepthBook, side: int, price: int) -> int:
    """The next price behind `price` on a side, 0 where there is none; from 0 it is the best."""
    if price == 0:
        return book.bid if side > 0 else book.ask
    return next_bid(book, price) if side > 0 else next_ask(book, price)


@kernel
def _mark_slot(book: DepthBook, side: int, price: int, holds: bool) -> None:
    slot = price & book.mask
    word = word_row(book.bid_bits if side > 0 else book.ask_bits, slot >> 6)
    bit = 1 << (slot & (_WORD_BITS - 1))
    word.value = word.value | bit if holds else word.value & ~bit


@kernel
def _empty_slot(half: Root, book: DepthBook, price: int) -> None:
    for side in (1, -1):
        level = level_of(half, book, side, price)
        if level.lots != 0:
            book.forgotten += 1
            _mark_slot(book, side, price, False)
        level.lots, level.loose, level.taken = 0, 0, 0


@kernel
def _move_window(half: Root, book: DepthBook, price: int) -> None:
    """Put the middle of the window at a price; what it leaves is forgotten."""
    size = book.mask + 1
    low = max(price - size // 2, 1)
    shift = low - book.low
    if book.low == 0:
        shift = 0  # the first price: nothing stands yet
    if shift > 0:
        for p in range(book.low, book.low + min(shift, size)):
            _empty_slot(half, book, p)
    elif shift < 0:
        for p in range(book.low + max(size + shift, 0), book.low + size):
            _empty_slot(half, book, p)
    book.low = low
    if book.bid != 0 and not is_inside(book, book.bid):
        book.bid = next_bid(book, low + size)
    if book.ask != 0 and not is_inside(book, book.ask):
        book.ask = next_ask(book, low - 1)


@kernel
def _follow(half: Root, book: DepthBook, best: int) -> None:
    if best == 0 or book.is_fixed != 0:
        return
    edge = (book.mask + 1) // _EDGE
    is_low = best - book.low < edge and book.low > 1
    if is_low or book.low + book.mask - best < edge:
        _move_window(half, book, best)


@kernel
def put(half: Root, book: DepthBook, side: int, price: int, lots: int, loose: int) -> None:
    """Set what stands at a price; the best follows. What was taken of it before is refreshed with it."""
    if not is_inside(book, price):
        best = book.bid if side > 0 else book.ask
        if lots == 0:
            return
        if best != 0 and (price - best) * side < 0:
            book.forgotten += 1
            return
        _move_window(half, book, price)
    level = level_of(half, book, side, price)
    was = level.lots
    level.lots, level.loose, level.taken = lots, loose, 0
    if lots != 0:
        if was == 0:
            _mark_slot(book, side, price, True)
        if side > 0 and price > book.bid:
            book.bid = price
            _follow(half, book, price)
        elif side < 0 and (price < book.ask or book.ask == 0):
            book.ask = price
            _follow(half, book, price)
    elif was != 0:
        _mark_slot(book, side, price, False)
        if side > 0 and price == book.bid:
            book.bid = next_bid(book, price)
            _follow(half, book, book.bid)
        elif side < 0 and price == book.ask:
            book.ask = next_ask(book, price)
            _follow(half, book, book.ask)


@kernel
def _forget_orders(half: Root, instrument: int) -> None:
    """Take every order of an instrument out of the hash table."""
    k = 0
    while k < half.resting_capacity:
        row = resting_row(half.resting, k)
        if row.order_id != 0 and row.instrument == instrument:
            _take_out(half, k)  # may bring another one here: look again
        else:
            k += 1


@inlined
def _home(half: Root, instrument: int, order_id: int) -> int:
    """Where an order's run begins. The capacity is a power of two."""
    word = (order_id ^ (instrument << 40)) * _HASH
    return (word >> 20) & (half.resting_capacity - 1)


@kernel
def find_order(half: Root, instrument: int, order_id: int) -> int:
    """The row of a resting order; -1 less the free row where it would stand if it is not there."""
    mask = half.resting_capacity - 1
    k = _home(half, instrument, order_id)
    while True:
        row = resting_row(half.resting, k)
        if row.order_id == 0:
            return -1 - k
        if row.order_id == order_id and row.instrument == instrument:
            return k
        k = (k + 1) & mask


@kernel
def _take_out(half: Root, k: int) -> None:
    """Free a row and move back what lies behind it (Knuth, TAOCP volume 3, section 6.4, algorithm R)."""
    mask = half.resting_capacity - 1
    half.resting_count -= 1
    hole, j = k, k
    while True:
        j = (j + 1) & mask
        row = resting_row(half.resting, j)
        if row.order_id == 0:
            break
        home = _home(half, row.instrument, row.order_id)
        if ((j - home) & mask) >= ((j - hole) & mask):
            target = resting_row(half.resting, hole)
            target.order_id, target.price, target.lots = row.order_id, row.price, row.lots
            target.place, target.instrument, target.side = row.place, row.instrument, row.side
            hole = j
    resting_row(half.resting, hole).order_id = 0


@kernel
def rehash(root: NDArray[np.void], old: int, rows: int) -> None:
    """Put `rows` rows of an older table into a half's present, empty one; by the root array."""
    half = root[0]
    for k in range(rows):
        row = resting_row(old, k)
        if row.order_id != 0:
            free = -1 - find_order(half, row.instrument, row.order_id)
            _fill_row(half, free, row.instrument, row.order_id, row.side, row.price, row.lots, row.place)


@kernel
def _fill_row(half: Root, k: int, instrument: int, order_id: int, side: int, price: int, lots: int, place: int) -> None:
    row = resting_row(half.resting, k)
    row.order_id, row.instrument, row.side, row.price, row.lots, row.place = order_id, instrument, side, price, lots, place


@kernel
def _add(half: Root, book: DepthBook, side: int, price: int, change: int) -> None:
    if is_inside(book, price):
        level = level_of(half, book, side, price)
        put(half, book, side, price, min(max(level.lots + change, 0), MOST), level.loose)
    elif change > 0:
        put(half, book, side, price, change, 0)


@kernel
def set_order(half: Root, book: DepthBook, event: Event, side: int) -> None:
    """Take in what a DEPTH event says of one order: more lots or another price put it at the back of the line."""
    instrument, price, lots, order_id = _signed(event.instrument), event.w0, event.w1, event.w2
    book.has_orders = 1
    if not has_resting_row(half):
        return
    k = find_order(half, instrument, order_id)
    if k >= 0:
        row = resting_row(half.resting, k)
        _add(half, book, row.side, row.price, -row.lots)
        if lots == 0:
            _take_out(half, k)
            return
        if row.price != price or row.side != side or lots > row.lots:
            book.places += 1
            row.place = book.places
        row.side, row.price, row.lots = side, price, lots
    elif lots != 0:
        book.places += 1
        _fill_row(half, -1 - k, instrument, order_id, side, price, lots, book.places)
        half.resting_count += 1
    _add(half, book, side, price, lots)


@kernel
def clear_depth(half: Root, book: DepthBook, instrument: int) -> None:
    """Forget the book; what it knew is not counted as forgotten."""
    before = book.forgotten
    for side in (1, -1):
        price = next_level(book, side, 0)
        while price != 0:
            after = next_level(book, side, price)
            _empty_slot(half, book, price)
            price = after
    book.forgotten = before
    book.bid, book.ask = 0, 0
    if book.has_orders:
        _forget_orders(half, instrument)


@kernel
def lose_depth(half: Root, instrument: int) -> None:
    """The book is unknown until its next snapshot: messages are missing, or a split has made its prices those of other shares."""
    book = depth_of(half, instrument)
    if book.bids != 0:
        clear_depth(half, book, instrument)
        book.is_known, book.in_snapshot = 0, 0


@kernel
def see_depth(half: Root, book: DepthBook, event: Event) -> None:
    """Take in a DEPTH event or a GAP."""
    if event.kind == GAP:
        lose_depth(half, _signed(event.instrument))
        return
    if event.flags & F_CLEAR:
        clear_depth(half, book, _signed(event.instrument))
        book.is_known, book.in_snapshot = 0, 1
    if book.is_known or book.in_snapshot:
        side = 1 if event.flags & F_BUY else -1
        if event.w2 == 0:
            loose = lots = event.w1
            if book.has_orders and is_inside(book, event.w0):
                level = level_of(half, book, side, event.w0)
                lots = min(lots + level.lots - level.loose, MOST)
            put(half, book, side, event.w0, lots, loose)
        else:
            set_order(half, book, event, side)
    if event.flags & F_LAST and book.in_snapshot:
        book.is_known, book.in_snapshot = 1, 0


# what can be asked of a book


@kernel
def depth_lots(half: Root, book: DepthBook, side: int, levels: int) -> int:
    """Lots of the best `levels` prices of a side."""
    total, price = 0, next_level(book, side, 0)
    while price != 0 and levels > 0:
        total = min(total + level_of(half, book, side, price).lots, MOST)
        price = next_level(book, side, price)
        levels -= 1
    return total


@kernel
def imbalance(half: Root, book: DepthBook, levels: int) -> float:
    """(bid lots - ask lots) / (bid lots + ask lots) over the best `levels` prices of each side; NaN for an empty book."""
    bids, asks = depth_lots(half, book, 1, levels), depth_lots(half, book, -1, levels)
    return (bids - asks) / (bids + asks) if bids + asks > 0 else math.nan


@kernel
def sweep_ticks(half: Root, book: DepthBook, side: int, lots: int) -> float:
    """Mean price in ticks at which a taker would buy (+1) or sell (-1) so many lots now; NaN where the book holds fewer."""
    left, paid, price = lots, 0.0, next_level(book, -side, 0)
    while price != 0 and left > 0:
        here = min(left, level_of(half, book, -side, price).lots)
        paid += float(here) * price
        left -= here
        price = next_level(book, -side, price)
    return paid / lots if left == 0 and lots > 0 else math.nan


@inlined
def weighted_mid_ticks(half: Root, book: DepthBook) -> float:
    """(bid x ask lots + ask x bid lots) / (bid lots + ask lots) of the best prices; NaN where a side is empty."""
    if book.bid == 0 or book.ask == 0:
        return math.nan
    bids, asks = level_of(half, book, 1, book.bid).lots, level_of(half, book, -1, book.ask).lots
    return (float(book.bid) * asks + float(book.ask) * bids) / (bids + asks)
