"""Compiled order books of data: orders to levels to best quotes, message by message.

A side of a book is a run of levels in one arena, ascending by key (the price of a bid, minus the price of an offer), so the best is the
last with lots; levels that have emptied stay until room is needed. Orders stand in one hash table by instrument and id. Nothing grows
in here: a call that lacks room says which table wants how much and goes on from the same event once it has it.

They are kept on disk by their code and what they read.
"""

from __future__ import annotations

import numpy as np

from framework.data.tape.borrowed import borrowed
from framework.machine.stored import stored
from framework.schema.event import Flag, Kind
from framework.schema.units import MOST_STEPS, NEVER_NS

LEVELS, BEST = 2, 1
"""What books are published as: `CONTROL.to`."""
DONE, OUT, ARENA, ORDERS, LIST, SIDES, STRANGER = 0, 1, 2, 3, 4, 5, 6
"""Why a call ended: all is applied; a table wants room; a DEPTH with both sides or none, or lots below 0; an unknown instrument."""

_DEPTH, _GAP, _QUOTE = int(Kind.DEPTH), int(Kind.GAP), int(Kind.QUOTE)
_BUY, _SELL, _CLEAR, _LAST, _SNAPSHOT = int(Flag.BUY), int(Flag.SELL), int(Flag.CLEAR), int(Flag.LAST), int(Flag.SNAPSHOT)
_FIRST_ROOM = 64


@stored
def _find(levels, side, key):  # type: ignore[no-untyped-def]
    """Position in the run of the first level with a key at or above this one. Most changes are near the best."""
    begin, count = side["begin"], side["count"]
    low, high = 0, count
    at = side["best"]
    if at >= 0:
        here = levels[begin + at]["key"]
        if here == key:
            return at
        if here < key:
            low, step = at + 1, 1
            while low + step < count and levels[begin + low + step]["key"] < key:
                low += step
                step *= 2
            high = min(count, low + step + 1)
        else:
            high, step = at, 1
            while high - step > 0 and levels[begin + high - step]["key"] >= key:
                high -= step
                step *= 2
            low = max(0, high - step)
    while low < high:
        middle = (low + high) >> 1
        if levels[begin + middle]["key"] < key:
            low = middle + 1
        else:
            high = middle
    return low


@stored
def _room(control, levels, side):  # type: ignore[no-untyped-def]
    """Make room for one more level: drop the empty ones, else move to a run twice as long. False where the arena is full."""
    begin, kept = side["begin"], 0
    if side["capacity"]:
        for k in range(side["count"]):
            level = levels[begin + k]
            if level["lots"] or level["told"] or level["is_listed"]:
                levels[begin + kept] = level
                if k == side["best"]:
                    side["best"] = kept
                kept += 1
        side["count"] = kept
        if kept <= side["capacity"] // 2:
            return True
    capacity = max(2 * side["capacity"], _FIRST_ROOM)
    if control["arena_used"] + capacity > len(levels):
        control["want"] = control["arena_used"] + capacity
        return False
    to = control["arena_used"]
    for k in range(side["count"]):
        levels[to + k] = levels[begin + k]
    side["begin"], side["capacity"] = to, capacity
    control["arena_used"] += capacity
    return True


@stored
def _change(control, book, levels, side, changes, instrument, number, price, added, without_order):  # type: ignore[no-untyped-def]
    """Add lots to a level, or with `without_order` >= 0 set what stands there without an order. There is room for one more level."""
    key = price if number == 0 else -price
    at = _find(levels, side, key)
    begin = side["begin"]
    if at == side["count"] or levels[begin + at]["key"] != key:
        if without_order == 0:
            return
        for k in range(side["count"], at, -1):
            levels[begin + k] = levels[begin + k - 1]
        level = levels[begin + at]
        level["key"], level["lots"], level["without_order"], level["told"], level["is_listed"] = key, 0, 0, 0, 0
        side["count"] += 1
        if at <= side["best"]:
            side["best"] += 1
    level = levels[begin + at]
    if without_order >= 0:
        added = without_order - level["without_order"]
        level["without_order"] = without_order
    level["lots"] = min(level["lots"] + added, MOST_STEPS)
    if level["lots"] > 0:
        side["best"] = max(side["best"], at)
    elif at == side["best"]:
        while at >= 0 and levels[begin + at]["lots"] == 0:
            at -= 1
        side["best"] = at
    book["is_changed"] = 1
    if control["to"] == LEVELS and level["is_listed"] == 0 and book["is_new"] == 0 and book["in_snapshot"] == 0:
        level["is_listed"] = 1
        change = changes[control["listed"]]
        change["instrument"], change["side"], change["key"] = instrument, number, key
        control["listed"] += 1


@stored
def _slot(orders, instrument, order):  # type: ignore[no-untyped-def]
    """Where an order of any epoch stands, or the free row where it would. The table's length is a power of two."""
    mask = len(orders) - 1
    mixed = (np.uint64(order) ^ (np.uint64(instrument) << np.uint64(40))) * np.uint64(0x9E3779B97F4A7C15)
    at = np.int64(mixed >> np.uint64(20)) & mask
    while orders[at]["epoch"] and (orders[at]["id"] != order or orders[at]["instrument"] != instrument):
        at = (at + 1) & mask
    return at


@stored
def _forget_order(control, orders, at):  # type: ignore[no-untyped-def]
    """Free a row, and move up those behind it that were pushed away from their place."""
    mask, hole, control["orders_used"] = len(orders) - 1, at, control["orders_used"] - 1
    orders[hole]["epoch"] = 0
    at = (at + 1) & mask
    while orders[at]["epoch"]:
        row = orders[at]
        home = _slot(orders, row["instrument"], row["id"])
        if orders[home]["epoch"] == 0:
            orders[home] = row
            row["epoch"] = 0
        at = (at + 1) & mask


@stored
def move_orders(control, old, new, books):  # type: ignore[no-untyped-def]
    """Fill a larger, empty table with the orders that still stand."""
    used = 0
    for at in range(len(old)):
        row = old[at]
        if row["epoch"] and row["epoch"] == books[row["instrument"]]["epoch"]:
            new[_slot(new, row["instrument"], row["id"])] = row
            used += 1
    control[0]["orders_used"] = used


@stored
def _put(control, book, sides, levels, orders, changes, event):  # type: ignore[no-untyped-def]
    k, order, price, lots = event["instrument"], event["w2"], event["w0"], event["w1"]
    number = 0 if event["flags"] & _BUY else 1
    if order == 0:
        _change(control, book, levels, sides[2 * k + number], changes, k, number, price, 0, lots)
        return
    at = _slot(orders, k, order)
    row = orders[at]
    stands = row["epoch"] == book["epoch"]
    if stands and row["side"] == number and row["price"] == price:
        _change(control, book, levels, sides[2 * k + number], changes, k, number, price, lots - row["lots"], -1)
    else:
        if stands:
            _change(control, book, levels, sides[2 * k + row["side"]], changes, k, row["side"], row["price"], -row["lots"], -1)
        if lots:
            _change(control, book, levels, sides[2 * k + number], changes, k, number, price, lots, -1)
    if lots:
        if row["epoch"] == 0:
            control["orders_used"] += 1
        row["id"], row["instrument"], row["side"], row["price"], row["lots"], row["epoch"] = order, k, number, price, lots, book["epoch"]
    elif row["epoch"]:
        _forget_order(control, orders, at)


@stored
def _lose(control, book, sides, levels, changes, k):  # type: ignore[no-untyped-def]
    """Forget a book, and what was still to be told of it."""
    book["is_known"], book["in_snapshot"], book["is_changed"], book["is_new"], book["is_open"] = 0, 0, 0, 0, 0
    book["epoch"] += 1
    for number in range(2):
        sides[2 * k + number]["count"], sides[2 * k + number]["best"] = 0, -1
    kept = 0
    for n in range(control["listed"]):
        if changes[n]["instrument"] != k:
            changes[kept] = changes[n]
            kept += 1
    control["listed"] = kept


@stored
def _row(out, n, local_ns, venue_ns, kind, flags, k):  # type: ignore[no-untyped-def]
    row = out[n]
    row["ts_local_ns"], row["ts_venue_ns"], row["kind"], row["flags"], row["instrument"] = local_ns, venue_ns, kind, flags, k
    row["w0"], row["w1"], row["w2"], row["w3"], row["w4"] = 0, 0, 0, 0, 0
    return row


@stored
def _top(levels, side):  # type: ignore[no-untyped-def]
    if side["best"] < 0:
        return 0, 0
    level = levels[side["begin"] + side["best"]]
    return level["key"], level["lots"]


@stored
def _best(book, sides, levels, k, local_ns, out, n):  # type: ignore[no-untyped-def]
    """A QUOTE where the best differ from those published last; an empty side is price 0 and size 0."""
    bid, bid_lots = _top(levels, sides[2 * k])
    ask, ask_lots = _top(levels, sides[2 * k + 1])
    ask = -ask
    same = bid == book["bid"] and ask == book["ask"] and bid_lots == book["bid_lots"] and ask_lots == book["ask_lots"]
    if same and book["is_sent"]:
        return n
    book["bid"], book["ask"], book["bid_lots"], book["ask_lots"], book["is_sent"] = bid, ask, bid_lots, ask_lots, 1
    row = _row(out, n, local_ns, book["venue_ns"], _QUOTE, 0, k)
    row["w0"], row["w1"], row["w2"], row["w3"] = bid, ask, bid_lots, ask_lots
    return n + 1


@stored
def _whole(book, sides, levels, k, local_ns, out, n):  # type: ignore[no-untyped-def]
    """The book as a snapshot, best first, bids before offers. One that is empty is a level of 0 lots at price 0."""
    first = n
    for number in range(2):
        side, rank = sides[2 * k + number], 0
        for at in range(side["best"], -1, -1):
            level = levels[side["begin"] + at]
            if level["lots"]:
                row = _row(out, n, local_ns, book["venue_ns"], _DEPTH, _SNAPSHOT | (_BUY if number == 0 else _SELL), k)
                row["w0"], row["w1"], row["w3"] = level["key"] if number == 0 else -level["key"], level["lots"], rank
                level["told"] = level["lots"]
                rank, n = rank + 1, n + 1
    if n == first:
        _row(out, n, local_ns, book["venue_ns"], _DEPTH, _SNAPSHOT | _BUY, k)
        n += 1
    out[first]["flags"] |= _CLEAR
    out[n - 1]["flags"] |= _LAST
    return n


@stored
def _changed(control, book, sides, levels, changes, k, local_ns, out, n):  # type: ignore[no-untyped-def]
    """The levels of one book that differ from what was published last, in the order in which they changed."""
    first, kept = n, 0
    for m in range(control["listed"]):
        change = changes[m]
        if change["instrument"] != k:
            changes[kept] = change
            kept += 1
            continue
        side = sides[2 * k + change["side"]]
        level = levels[side["begin"] + _find(levels, side, change["key"])]
        level["is_listed"] = 0
        if level["lots"] != level["told"]:
            level["told"] = level["lots"]
            row = _row(out, n, local_ns, book["venue_ns"], _DEPTH, _BUY if change["side"] == 0 else _SELL, k)
            row["w0"], row["w1"], row["w3"] = change["key"] if change["side"] == 0 else -change["key"], level["lots"], -1
            n += 1
    control["listed"] = kept
    if n > first:
        out[n - 1]["flags"] |= _LAST
    return n


@stored
def _emit(control, book, sides, levels, changes, k, local_ns, out, n):  # type: ignore[no-untyped-def]
    if control["to"] == BEST:
        n = _best(book, sides, levels, k, local_ns, out, n)
    elif book["is_new"]:
        n = _whole(book, sides, levels, k, local_ns, out, n)
    else:
        n = _changed(control, book, sides, levels, changes, k, local_ns, out, n)
    book["is_changed"], book["is_new"] = 0, 0
    return n


@stored
def _rows_of(control, book, sides, k):  # type: ignore[no-untyped-def]
    """At most so many rows are told of one book."""
    if control["to"] == BEST:
        return 1
    return sides[2 * k]["count"] + sides[2 * k + 1]["count"] + 1 if book["is_new"] or book["in_snapshot"] else control["listed"] + 3


@stored
def _emit_all(control, books, sides, levels, changes, out, n):  # type: ignore[no-untyped-def]
    """The interval has ended: tell what changed, by instrument; (rows written, whether all)."""
    for k in range(len(books)):
        book = books[k]
        if book["is_changed"] and book["is_open"] == 0:
            want = _rows_of(control, book, sides, k)
            if n + want > len(out):
                control["want"] = want
                return n, False
            n = _emit(control, book, sides, levels, changes, k, control["due_ns"], out, n)
    control["due_ns"] = NEVER_NS
    return n, True


@stored
def flush(controls, books, sides, levels, changes, until_ns, out):  # type: ignore[no-untyped-def]
    """Tell what changed in an interval that ends at or before a stamp; (why it ended, rows written)."""
    control = controls[0]
    if control["due_ns"] > until_ns:
        return DONE, 0
    n, is_done = _emit_all(control, books, sides, levels, changes, out, 0)
    return DONE if is_done else OUT, n


@stored
def _lacks(control, levels, sides, orders, changes, event):  # type: ignore[no-untyped-def]
    """Which table has no room for this DEPTH, DONE if none."""
    k = event["instrument"]
    for number in range(2):
        side = sides[2 * k + number]
        if side["count"] == side["capacity"] and not _room(control, levels, side):
            return ARENA
    if 2 * control["orders_used"] + 2 > len(orders):
        return ORDERS
    if control["listed"] + 2 > len(changes):
        return LIST
    return DONE


@stored
def conflate(controls, books, sides, levels, orders, changes, events, begin, out):  # type: ignore[no-untyped-def]
    """Apply events from position `begin` on; (why it ended, position reached, rows written)."""
    books, sides, levels = borrowed(books), borrowed(sides), borrowed(levels)
    orders, changes, out = borrowed(orders), borrowed(changes), borrowed(out)
    control, n, interval = controls[0], 0, controls[0]["interval_ns"]
    for at in range(begin, len(events)):
        event = events[at]
        stamp, kind, flags, k = event["ts_local_ns"], event["kind"], event["flags"], event["instrument"]
        if control["due_ns"] <= stamp:
            n, is_done = _emit_all(control, books, sides, levels, changes, out, n)
            if not is_done:
                return OUT, at, n
        if kind != _DEPTH:
            if n == len(out):
                control["want"] = 1
                return OUT, at, n
            if kind == _QUOTE and control["to"] == BEST:
                continue
            if kind == _GAP:
                if k >= len(books):
                    return STRANGER, at, n
                _lose(control, books[k], sides, levels, changes, k)
                books[k]["is_sent"] = 0
            out[n] = event
            n += 1
            continue
        if k >= len(books):
            return STRANGER, at, n
        if ((flags & _BUY) != 0) == ((flags & _SELL) != 0) or event["w1"] < 0:
            return SIDES, at, n
        book = books[k]
        lacking = _lacks(control, levels, sides, orders, changes, event)
        if lacking != DONE:
            return lacking, at, n
        want = _rows_of(control, book, sides, k) + 2
        if n + want > len(out):
            control["want"] = want
            return OUT, at, n
        if flags & _CLEAR:
            _lose(control, book, sides, levels, changes, k)
            book["in_snapshot"] = 1
        if book["is_known"] or book["in_snapshot"]:
            _put(control, book, sides, levels, orders, changes, event)
            book["venue_ns"], book["is_open"] = event["ts_venue_ns"], 1
        if flags & _LAST:
            book["is_open"] = 0
            if book["in_snapshot"]:
                book["is_known"], book["in_snapshot"], book["is_changed"], book["is_new"] = 1, 0, 1, 1
            if book["is_changed"]:
                if interval == 0:
                    n = _emit(control, book, sides, levels, changes, k, stamp, out, n)
                elif control["due_ns"] == NEVER_NS:
                    control["due_ns"] = stamp - stamp % interval + interval
    return DONE, len(events), n
