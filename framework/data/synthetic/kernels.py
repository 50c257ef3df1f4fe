"""Compiled generators of order books: Hawkes arrivals, a book that they act on, and the queue-reactive book.

State is one record a book beside its tables of orders, so a generator goes on where it stopped: neither parts nor horizons change a byte.
They are kept on disk by their code and what they read.
"""

from __future__ import annotations

import math

import numpy as np

from framework.data.tape.borrowed import borrowed
from framework.data.tape.parts import record_of
from framework.machine.stored import stored
from framework.schema.event import Flag, Kind

STATE = record_of(
    "start_ns local_ns next_order next_trade message base_ticks next_kind has_next without_effect dropped latency_ns tick_floor instrument",
    "at_s next_s jitter_ns mean_lots spread p_order",
)
"""One book. `at_s`, `next_s`: the time reached and that of the event drawn already. `local_ns`: the last local stamp."""

ORDER = record_of("id price lots")

MARKET_BUY, MARKET_SELL, LIMIT_BUY, LIMIT_SELL, CANCEL_BUY, CANCEL_SELL = 0, 1, 2, 3, 4, 5
_DEPTH, _TRADE = int(Kind.DEPTH), int(Kind.TRADE)
_BUY, _SELL, _LAST, _SNAPSHOT, _CLEAR = int(Flag.BUY), int(Flag.SELL), int(Flag.LAST), int(Flag.SNAPSHOT), int(Flag.CLEAR)


@stored
def autoregression(noise, factor, value, path):  # type: ignore[no-untyped-def]
    """`path[k] = factor * path[k - 1] + noise[k]`, beginning after `value`; the last one."""
    for k in range(len(noise)):
        value = factor * value + noise[k]
        path[k] = value
    return value


@stored
def _draw_arrival(state, base, excited, added, decay, random):  # type: ignore[no-untyped-def]
    """The next arrival by Ogata's thinning; `excited` ends as the intensities beyond `base` right after it."""
    total_base, at, kinds = base.sum(), state["next_s"], len(base)
    total = excited.sum()
    while True:
        bound = total_base + total
        wait = -math.log(1.0 - random.random()) / bound
        at += wait
        fade = math.exp(-decay * wait)
        total *= fade
        for k in range(kinds):
            excited[k] *= fade
        chosen = random.random() * bound
        if chosen <= total_base + total:
            break
    kind = 0
    while kind < kinds - 1 and chosen > base[kind] + excited[kind]:
        chosen -= base[kind] + excited[kind]
        kind += 1
    for k in range(kinds):
        excited[k] += added[k, kind]
    state["next_s"], state["next_kind"], state["has_next"] = at, kind, 1


@stored
def arrivals(states, base, excited, added, decay, random, until_s, times, kinds):  # type: ignore[no-untyped-def]
    """Write the arrivals before a time; how many. It stops early where the arrays are full."""
    state, n = states[0], 0
    base, excited, added = borrowed(base), borrowed(excited), borrowed(added)
    while n < len(times):
        if state["has_next"] == 0:
            _draw_arrival(state, base, excited, added, decay, random)
        if state["next_s"] >= until_s:
            return n
        times[n], kinds[n] = state["next_s"], state["next_kind"]
        n += 1
        state["has_next"] = 0
    return n


@stored
def _stamp(state, random):  # type: ignore[no-untyped-def]
    """Begin a message: its venue stamp. Its local one is later by the latency, and never before the last."""
    venue = state["start_ns"] + np.int64(state["at_s"] * 1e9)
    delay = state["latency_ns"]
    if state["jitter_ns"] > 0.0:
        delay += np.int64(-math.log(1.0 - random.random()) * state["jitter_ns"])
    state["local_ns"] = max(state["local_ns"], venue + delay)
    state["message"] += 1
    return venue


@stored
def _geometric(mean, random):  # type: ignore[no-untyped-def]
    """A whole number from 0 on with this mean."""
    return np.int64(math.log(1.0 - random.random()) / math.log(mean / (1.0 + mean))) if mean > 0.0 else np.int64(0)


@stored
def _row(state, out, n, venue, kind, flags, price, lots):  # type: ignore[no-untyped-def]
    row = out[n]
    row["ts_local_ns"], row["ts_venue_ns"], row["kind"], row["flags"] = state["local_ns"], venue, kind, flags
    row["instrument"], row["w0"], row["w1"], row["w2"], row["w3"], row["w4"] = state["instrument"], price, lots, 0, -1, state["message"]
    return row


@stored
def _emit(state, out, n, venue, side, order, lots):  # type: ignore[no-untyped-def]
    """DEPTH by order: what remains of it."""
    row = _row(state, out, n, venue, _DEPTH, _BUY if side == 0 else _SELL, order["price"], lots)
    row["w2"] = order["id"]
    return n + 1


@stored
def _trade(state, out, n, venue, side, order, lots):  # type: ignore[no-untyped-def]
    """TRADE against a standing order of a side: the other side took."""
    row = _row(state, out, n, venue, _TRADE, _SELL if side == 0 else _BUY, order["price"], lots)
    state["next_trade"] += 1
    row["w2"], row["w3"] = state["next_trade"], order["id"]
    return n + 1


@stored
def _insert(state, orders, counts, side, price, lots):  # type: ignore[no-untyped-def]
    """A new order behind all others at its price; the best and oldest stands last. Its position."""
    at, sign = counts[side], 1 if side == 0 else -1
    while at > 0 and sign * orders[side, at - 1]["price"] >= sign * price:
        orders[side, at] = orders[side, at - 1]
        at -= 1
    state["next_order"] += 1
    order = orders[side, at]
    order["id"], order["price"], order["lots"] = state["next_order"], price, lots
    counts[side] += 1
    return at


@stored
def _remove(orders, counts, side, at):  # type: ignore[no-untyped-def]
    counts[side] -= 1
    for k in range(at, counts[side]):
        orders[side, k] = orders[side, k + 1]


@stored
def _as_snapshot(out, n):  # type: ignore[no-untyped-def]
    for at in range(n):
        out[at]["flags"] |= _SNAPSHOT
    out[0]["flags"] |= _CLEAR
    out[n - 1]["flags"] |= _LAST
    return n


@stored
def hawkes_start(states, orders, counts, levels, orders_a_level, random, out):  # type: ignore[no-untyped-def]
    """Fill the book and write it as a snapshot; rows written."""
    state, n = states[0], 0
    venue = _stamp(state, random)
    for side in range(2):
        for level in range(levels):
            for _ in range(orders_a_level):
                price = state["base_ticks"] - level if side == 0 else state["base_ticks"] + 1 + level
                at = _insert(state, orders, counts, side, price, 1 + _geometric(state["mean_lots"] - 1.0, random))
                n = _emit(state, out, n, venue, side, orders[side, at], orders[side, at]["lots"])
    return _as_snapshot(out, n)


@stored
def _take(state, orders, counts, side, least, venue, random, out, n):  # type: ignore[no-untyped-def]
    """A market order against a side, down to the last `least` orders."""
    left = 1 + _geometric(state["mean_lots"] - 1.0, random)
    if counts[side] <= least:
        state["without_effect"] += 1
    while left > 0 and counts[side] > least:
        order = orders[side, counts[side] - 1]
        lots = min(left, order["lots"])
        n = _trade(state, out, n, venue, side, order, lots)
        n = _emit(state, out, n, venue, side, order, order["lots"] - lots)
        order["lots"] -= lots
        left -= lots
        if order["lots"] == 0:
            counts[side] -= 1
    return n


@stored
def hawkes_book(states, orders, counts, least, times, kinds, begin, random, out):  # type: ignore[no-untyped-def]
    """Let arrivals from position `begin` on act on the book; (position reached, rows written). A price below 1 ends it at that arrival."""
    state, n, capacity = states[0], 0, orders.shape[1]
    orders, counts, out = borrowed(orders), borrowed(counts), borrowed(out)
    for k in range(begin, len(times)):
        if n + 2 * capacity + 2 > len(out):
            return k, n
        kind, first = kinds[k], n
        side = 1 if kind in (MARKET_BUY, LIMIT_SELL, CANCEL_SELL) else 0
        state["at_s"] = times[k]
        venue = _stamp(state, random)
        if kind <= MARKET_SELL:
            n = _take(state, orders, counts, side, least, venue, random, out, n)
        elif kind <= LIMIT_SELL:
            away = 1 + _geometric(state["spread"], random)
            price = orders[1, counts[1] - 1]["price"] - away if side == 0 else orders[0, counts[0] - 1]["price"] + away
            if price < 1:
                state["tick_floor"] = 1
                return k, n
            if counts[side] == capacity:
                n = _emit(state, out, n, venue, side, orders[side, 0], 0)
                _remove(orders, counts, side, 0)
                state["dropped"] += 1
            at = _insert(state, orders, counts, side, price, 1 + _geometric(state["mean_lots"] - 1.0, random))
            n = _emit(state, out, n, venue, side, orders[side, at], orders[side, at]["lots"])
        elif counts[side] > least:
            at = min(np.int64(random.random() * counts[side]), counts[side] - 1)
            n = _emit(state, out, n, venue, side, orders[side, at], 0)
            _remove(orders, counts, side, at)
        else:
            state["without_effect"] += 1
        if n > first:
            out[n - 1]["flags"] |= _LAST
    return len(times), n


@stored
def _fill_queue(state, queues, counts, number, price, cumulative, venue, random, out, n):  # type: ignore[no-untyped-def]
    """Draw how long an empty queue is and fill it; `cumulative` are the sums of its distribution."""
    u, levels = random.random(), len(counts) // 2
    while counts[number] < len(cumulative) - 1 and u > cumulative[counts[number]]:
        n = _join(state, queues, counts, number, price, number // levels, venue, random, out, n)
    return n


@stored
def _join(state, queues, counts, number, price, side, venue, random, out, n):  # type: ignore[no-untyped-def]
    order = queues[number, counts[number]]
    state["next_order"] += 1
    order["id"], order["price"], order["lots"] = state["next_order"], price, 1 + _geometric(state["mean_lots"] - 1.0, random)
    counts[number] += 1
    return _emit(state, out, n, venue, side, order, order["lots"])


@stored
def _empty(state, queues, counts, number, side, venue, out, n):  # type: ignore[no-untyped-def]
    for k in range(counts[number]):
        n = _emit(state, out, n, venue, side, queues[number, k], 0)
    counts[number] = 0
    return n


@stored
def _price(state, levels, number):  # type: ignore[no-untyped-def]
    """The price of a queue: bids at the base and below, offers above."""
    return state["base_ticks"] - number if number < levels else state["base_ticks"] + 1 + number - levels


@stored
def _redraw(state, queues, counts, cumulative, venue, random, out, n):  # type: ignore[no-untyped-def]
    """Empty every queue and draw it anew."""
    levels = len(counts) // 2
    for number in range(2 * levels):
        n = _empty(state, queues, counts, number, number // levels, venue, out, n)
    for number in range(2 * levels):
        n = _fill_queue(state, queues, counts, number, _price(state, levels, number), cumulative[number % levels], venue, random, out, n)
    return n


@stored
def _move(state, queues, counts, cumulative, up, venue, random, out, n):  # type: ignore[no-untyped-def]
    """Move the reference price by a tick towards a side whose first queue is empty: its queues come nearer, the others go further."""
    levels = len(counts) // 2
    near, far = (levels, 0) if up else (0, levels)
    n = _empty(state, queues, counts, far + levels - 1, far // levels, venue, out, n)
    for k in range(levels - 1):
        queues[near + k], counts[near + k] = queues[near + k + 1], counts[near + k + 1]
    for k in range(levels - 1, 0, -1):
        queues[far + k], counts[far + k] = queues[far + k - 1], counts[far + k - 1]
    counts[far], counts[near + levels - 1] = 0, 0
    state["base_ticks"] += 1 if up else -1
    last = near + levels - 1
    return _fill_queue(state, queues, counts, last, _price(state, levels, last), cumulative[levels - 1], venue, random, out, n)


@stored
def queues_start(states, queues, counts, cumulative, random, out):  # type: ignore[no-untyped-def]
    """Draw the queues and write them as a snapshot; rows written. It is empty where all queues are."""
    state = states[0]
    n = _redraw(state, queues, counts, cumulative, _stamp(state, random), random, out, 0)
    if n == 0:
        n = 1
        _row(state, out, 0, state["start_ns"], _DEPTH, _BUY, 0, 0)
    return _as_snapshot(out, n)


@stored
def _rates(counts, limit, cancel, market, sums):  # type: ignore[no-untyped-def]
    """Intensities of limit, cancel and market of every queue, summed up; market orders meet the best queue of a side only."""
    levels, total = len(counts) // 2, 0.0
    for side in range(2):
        is_best = True
        for level in range(levels):
            number, length = side * levels + level, counts[side * levels + level]
            total += limit[level, length]
            sums[3 * number] = total
            total += cancel[level, length]
            sums[3 * number + 1] = total
            if is_best and length > 0:
                total += market[level, length]
                is_best = False
            sums[3 * number + 2] = total
    return total


@stored
def queue_reactive(states, queues, counts, limit, cancel, market, cumulative, moves, sums, random, until_s, out, path):  # type: ignore[no-untyped-def]
    """Write the messages before a time; (whether all, rows written, moves of the reference price written to `path`)."""
    state, n, moved, levels = states[0], 0, 0, len(counts) // 2
    queues, counts, limit, cancel, market = borrowed(queues), borrowed(counts), borrowed(limit), borrowed(cancel), borrowed(market)
    cumulative, sums, out = borrowed(cumulative), borrowed(sums), borrowed(out)
    most = 2 * queues.shape[0] * queues.shape[1] + 4
    while True:
        if state["has_next"] == 0:
            state["next_s"] += -math.log(1.0 - random.random()) / _rates(counts, limit, cancel, market, sums)
            state["has_next"] = 1
        if state["next_s"] >= until_s:
            return True, n, moved
        if n + most > len(out) or moved == len(path):
            return False, n, moved
        chosen, at = random.random() * _rates(counts, limit, cancel, market, sums), 0
        while at < len(sums) - 1 and chosen > sums[at]:
            at += 1
        number, state["has_next"], state["at_s"] = at // 3, 0, state["next_s"]
        side, venue = number // levels, _stamp(state, random)
        if at % 3 == 0:
            was_empty = counts[number] == 0
            n = _join(state, queues, counts, number, _price(state, levels, number), side, venue, random, out, n)
            to_up, to_down = was_empty and number == 0, was_empty and number == levels
        else:
            position = min(np.int64(random.random() * counts[number]), counts[number] - 1) if at % 3 == 1 else 0
            if at % 3 == 2:
                n = _trade(state, out, n, venue, side, queues[number, 0], queues[number, 0]["lots"])
            n = _emit(state, out, n, venue, side, queues[number, position], 0)
            counts[number] -= 1
            for k in range(position, counts[number]):
                queues[number, k] = queues[number, k + 1]
            to_up, to_down = counts[number] == 0 and number == levels, counts[number] == 0 and number == 0
        up = to_up and counts[levels] == 0
        if (up or (to_down and counts[0] == 0)) and random.random() < moves[0]:
            n = _move(state, queues, counts, cumulative, up, venue, random, out, n)
            if random.random() < moves[1]:
                n = _redraw(state, queues, counts, cumulative, venue, random, out, n)
            path[moved, 0], path[moved, 1] = venue, state["base_ticks"]
            moved += 1
        out[n - 1]["flags"] |= _LAST
