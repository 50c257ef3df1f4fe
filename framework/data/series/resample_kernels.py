"""Compiled steps from trades, quotes and bars to bars.

Each entry point goes on from where the last call ended, so an array of one event and a whole part run the same code. They are kept on
disk by their code and what they read.
"""

from __future__ import annotations

import numpy as np

from framework.data.tape.parts import record_of
from framework.machine.stored import stored
from framework.schema.event import Kind
from framework.schema.units import MOST_STEPS, NEVER_NS

CLOCK = record_of("next_close_ns interval_ns kind price back_ns flat by_session fault outside")
"""What the instruments share. `next_close_ns`: the first close among open bars. `kind`: of events that make bars. `price`: see below.
`back_ns`: what is taken off a stamp to get the moment it tells of: 1 for bars. `fault`: OUTSIDE, where the event reached lies outside
every session, or STRANGER. `outside`: 1 leaves events outside out."""

BAR_STATE = record_of("begin_ns close_ns count open high low close volume first past_last")
"""One instrument: the open interval (`close_ns` is NEVER_NS where there is none), the bar so far, and its rows in the table of sessions."""

RULE = record_of("measure mode fault", "bar_weight tick_weight floor least most")
"""When a bar by activity closes; `measure` and `mode` as below, the rest as in `framework.data.series.resample.Expectations`."""

ACTIVITY_STATE = record_of(
    "count open high low close volume last_price sign signed is_warm",
    "total up down threshold expected_ticks expected_up expected_down",
)
"""One instrument: the bar so far; the last price and sign; sums since the bar began; its threshold; expectations of a bar and a trade."""

OF_WORDS, OF_MID, OF_BID, OF_ASK = 0, 1, 2, 3
"""`CLOCK.price`: the price words of a TRADE or BAR; of a QUOTE the mid in half ticks, the bid, the ask."""
TICKS, VOLUME, DOLLARS = 0, 1, 2
"""`RULE.measure`: what a trade counts for: 1, its lots, its price times its lots."""
SUM, IMBALANCE, RUN = 0, 1, 2
"""`RULE.mode`."""
OUTSIDE, STRANGER = 1, 2
"""Faults: an event outside every session; one of an instrument that there is not."""

_BAR, _QUOTE, _TRADE = int(Kind.BAR), int(Kind.QUOTE), int(Kind.TRADE)
_FUNDING, _DIVIDEND, _SPLIT, _HALT, _DELIST = int(Kind.FUNDING), int(Kind.DIVIDEND), int(Kind.SPLIT), int(Kind.HALT), int(Kind.DELIST)
_PRICE_LIMITS = int(Kind.PRICE_LIMITS)
_BUY, _SELL = 512, 1024


@stored
def _passes(kind):  # type: ignore[no-untyped-def]
    """Whether an event of this kind is handed on: what bars are read with, besides their own prices."""
    return kind in (_SPLIT, _DIVIDEND, _FUNDING, _HALT, _PRICE_LIMITS, _DELIST)


@stored
def _write(out, n, local_ns, venue_ns, instrument, state):  # type: ignore[no-untyped-def]
    row = out[n]
    row["ts_local_ns"], row["ts_venue_ns"] = local_ns, venue_ns
    row["kind"], row["flags"], row["instrument"] = _BAR, 0, instrument
    row["w0"], row["w1"], row["w2"], row["w3"], row["w4"] = state["open"], state["high"], state["low"], state["close"], state["volume"]


@stored
def _add(state, first, high, low, last, volume):  # type: ignore[no-untyped-def]
    if state["count"] == 0:
        state["open"], state["high"], state["low"], state["volume"] = first, high, low, 0
    state["high"] = max(state["high"], high)
    state["low"] = min(state["low"], low)
    state["close"] = last
    state["volume"] = min(state["volume"] + volume, MOST_STEPS)  # `resample` refuses what is beyond the range
    state["count"] += 1


@stored
def _begin(clock, state, opens, closes, moment, is_event):  # type: ignore[no-untyped-def]
    """Open the interval that holds `moment`, or the first one after it where it need not hold an event; False where there is none."""
    interval = clock["interval_ns"]
    if clock["by_session"] == 0:
        state["begin_ns"] = moment - moment % interval
        state["close_ns"] = state["begin_ns"] + interval
        return True
    low, high = state["first"], state["past_last"]
    while low < high:
        middle = (low + high) // 2
        if closes[middle] <= moment:
            low = middle + 1
        else:
            high = middle
    if low == state["past_last"] or (is_event and moment < opens[low]):
        return False
    since = max(moment - opens[low], 0)
    state["begin_ns"] = opens[low] + since - since % interval
    state["close_ns"] = closes[low] if interval > closes[low] - state["begin_ns"] else state["begin_ns"] + interval
    return True


@stored
def _flush(clock, states, opens, closes, until_ns, out, n):  # type: ignore[no-untyped-def]
    """Write bars that close at or before a stamp, by close and then by instrument; (rows written, whether all)."""
    while clock["next_close_ns"] <= until_ns:
        if n + len(states) > len(out):
            return n, False
        close, following = clock["next_close_ns"], NEVER_NS
        for k in range(len(states)):
            state = states[k]
            if state["close_ns"] == close:
                if state["count"] == 0:
                    state["open"] = state["high"] = state["low"] = state["close"]
                    state["volume"] = 0
                _write(out, n, close, close, k, state)
                n += 1
                state["count"] = 0
                if clock["flat"] == 0 or not _begin(clock, state, opens, closes, close, False):
                    state["close_ns"] = NEVER_NS
            following = min(following, state["close_ns"])
        clock["next_close_ns"] = following
    return n, True


@stored
def flush_bars(clocks, states, opens, closes, until_ns, out):  # type: ignore[no-untyped-def]
    """Write bars that close at or before a stamp; (rows written, whether all)."""
    return _flush(clocks[0], states, opens, closes, until_ns, out, 0)


@stored
def _take(clock, state, event):  # type: ignore[no-untyped-def]
    price = clock["price"]
    if clock["kind"] == _TRADE:
        _add(state, event["w0"], event["w0"], event["w0"], event["w0"], event["w1"])
    elif clock["kind"] == _BAR:
        _add(state, event["w0"], event["w1"], event["w2"], event["w3"], event["w4"])
    else:
        value = event["w0"] + event["w1"] if price == OF_MID else event["w0"] if price == OF_BID else event["w1"]
        _add(state, value, value, value, value, 0)


@stored
def _has_side(clock, event):  # type: ignore[no-untyped-def]
    """Whether a QUOTE has the side that is asked for: an empty one is price 0 and size 0."""
    if clock["kind"] != _QUOTE:
        return True
    bid, ask = event["w0"] != 0 or event["w2"] != 0, event["w1"] != 0 or event["w3"] != 0
    price = clock["price"]
    return bid and ask if price == OF_MID else bid if price == OF_BID else ask


@stored
def time_bars(clocks, states, opens, closes, events, begin, out):  # type: ignore[no-untyped-def]
    """Apply events from position `begin` on; (position reached, rows written). It stops early where `out` is full or at a fault."""
    clock, n = clocks[0], 0
    for at in range(begin, len(events)):
        event = events[at]
        moment = event["ts_local_ns"] - clock["back_ns"]
        if clock["next_close_ns"] <= moment:
            n, is_done = _flush(clock, states, opens, closes, moment, out, n)
            if not is_done:
                return at, n
        kind = event["kind"]
        if kind == clock["kind"]:
            if event["instrument"] >= len(states):
                clock["fault"] = STRANGER
                return at, n
            state = states[event["instrument"]]
            if not _has_side(clock, event):
                continue
            inside = True
            if state["close_ns"] == NEVER_NS:
                inside = _begin(clock, state, opens, closes, moment, True)
                if inside:
                    clock["next_close_ns"] = min(clock["next_close_ns"], state["close_ns"])
            elif moment < state["begin_ns"]:
                inside = False
            if inside:
                _take(clock, state, event)
            elif clock["outside"] == 0:
                clock["fault"] = OUTSIDE
                return at, n
        elif _passes(kind):
            if n == len(out):
                return at, n
            out[n] = event
            n += 1
    return len(events), n


@stored
def _sign(state, event):  # type: ignore[no-untyped-def]
    """1 where the buyer took, -1 where the seller did: told by flags, else the tick rule; 0 before the first change of price."""
    price, flags = event["w0"], event["flags"]
    if flags & _BUY:
        state["sign"] = 1
    elif flags & _SELL:
        state["sign"] = -1
    elif state["signed"] > 0 and price > state["last_price"]:
        state["sign"] = 1
    elif state["signed"] > 0 and price < state["last_price"]:
        state["sign"] = -1
    state["last_price"] = price
    state["signed"] += 1
    return state["sign"]


@stored
def _expect(rule, state):  # type: ignore[no-untyped-def]
    """A bar by imbalance or runs has closed: renew what is expected, and the next threshold."""
    ticks = float(state["count"])
    if state["is_warm"] == 0:
        state["is_warm"] = 1
        state["expected_up"], state["expected_down"] = state["up"] / ticks, state["down"] / ticks
    else:
        state["expected_ticks"] += rule["bar_weight"] * (ticks - state["expected_ticks"])
    state["expected_ticks"] = min(max(state["expected_ticks"], rule["least"]), rule["most"])
    up, down = state["expected_up"], state["expected_down"]
    share = max(up, down) if rule["mode"] == RUN else max(abs(up - down), rule["floor"] * (up + down) / np.sqrt(state["expected_ticks"]))
    state["threshold"] = state["expected_ticks"] * share


@stored
def _closes(rule, state, event):  # type: ignore[no-untyped-def]
    """Count a trade that is in the bar already; whether the bar closes with it."""
    price, lots, measure = event["w0"], event["w1"], rule["measure"]
    size = 1.0 if measure == TICKS else float(lots) if measure == VOLUME else float(abs(price)) * float(lots)
    if rule["mode"] == SUM:
        state["total"] += size
        return state["total"] >= state["threshold"]
    sign = _sign(state, event)
    up, down = size if sign > 0 else 0.0, size if sign < 0 else 0.0
    state["up"] += up
    state["down"] += down
    if state["is_warm"] == 0:
        return state["count"] >= state["expected_ticks"]
    state["expected_up"] += rule["tick_weight"] * (up - state["expected_up"])
    state["expected_down"] += rule["tick_weight"] * (down - state["expected_down"])
    reached = max(state["up"], state["down"]) if rule["mode"] == RUN else abs(state["up"] - state["down"])
    return reached >= state["threshold"]


@stored
def activity_bars(rules, states, events, begin, out):  # type: ignore[no-untyped-def]
    """Apply events from position `begin` on; (position reached, rows written). It stops early where `out` is full."""
    rule, n = rules[0], 0
    for at in range(begin, len(events)):
        event = events[at]
        if n == len(out):
            return at, n
        if event["kind"] == _TRADE:
            if event["instrument"] >= len(states):
                rule["fault"] = STRANGER
                return at, n
            state = states[event["instrument"]]
            _add(state, event["w0"], event["w0"], event["w0"], event["w0"], event["w1"])
            if _closes(rule, state, event):
                _write(out, n, event["ts_local_ns"], event["ts_venue_ns"], event["instrument"], state)
                n += 1
                if rule["mode"] != SUM:
                    _expect(rule, state)
                state["count"], state["total"], state["up"], state["down"] = 0, 0.0, 0.0, 0.0
        elif _passes(event["kind"]):
            out[n] = event
            n += 1
    return len(events), n
