"""The messages of ITCH 5.0, compiled: framing, counting, and events of orders and trades. Integers are big-endian."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.typed import Dict

from framework.machine.stored import stored
from framework.schema.event import Flag, Kind

LENGTHS = np.zeros(256, dtype=np.int64)
"""Bytes of each message type, without the two of its length."""
for _code, _length in zip(
    "SRHYLVWKJhAFECXDUPQBINO",
    (12, 39, 25, 20, 26, 35, 12, 28, 35, 21, 36, 40, 31, 36, 23, 19, 35, 44, 40, 19, 50, 20, 48),
    strict=True,
):
    LENGTHS[ord(_code)] = _length

NO_ORDER, TOO_MANY, BACKWARDS, NO_STOCK, TWICE, BAD_CODE = 1, 2, 3, 4, 5, 6
UNKNOWN, LEFT_OUT = -2, -1
_DAY_NS = 86_400 * 10**9
_TRADE, _DEPTH, _HALT = int(Kind.TRADE), int(Kind.DEPTH), int(Kind.HALT)
_BUY, _SELL, _LAST, _AUCTION = int(Flag.BUY), int(Flag.SELL), int(Flag.LAST), int(Flag.AUCTION)
_ORDER = types.UniTuple(types.int64, 3)


def orders() -> Any:
    """An empty table of orders: reference to (price, shares, side)."""
    return Dict.empty(types.int64, _ORDER)


@stored
def _number(data, at, size):  # type: ignore[no-untyped-def]
    value = np.int64(0)
    for k in range(size):
        value = (value << 8) | np.int64(data[at + k])
    return value


@stored
def whole(data):  # type: ignore[no-untyped-def]
    """Bytes of the whole messages at the start; `-1 - at` where the one at `at` is of no known type or length."""
    at = 0
    while at + 3 <= len(data):
        length = _number(data, at, 2)
        if length != LENGTHS[data[at + 2]] or length == 0:
            return -1 - at
        if at + 2 + length > len(data):
            break
        at += 2 + length
    return at


@stored
def scan(data, size, counts, found):  # type: ignore[no-untyped-def]
    """Count messages by type and list where those of the stock directory are; how many these are."""
    at, number = 0, 0
    while at < size:
        code = data[at + 2]
        counts[code] += 1
        if code == 82:  # R
            found[number] = at + 2
            number += 1
        at += 2 + LENGTHS[code]
    return number


@stored
def _put(events, n, stamp, kind, flags, instrument, w0, w1, w2, w3):  # type: ignore[no-untyped-def]
    event = events[n]
    event["ts_local_ns"] = stamp
    event["ts_venue_ns"] = stamp
    event["kind"] = kind
    event["flags"] = flags
    event["instrument"] = instrument
    event["w0"] = w0
    event["w1"] = w1
    event["w2"] = w2
    event["w3"] = w3
    return n + 1


@stored
def _is_empty(data, m, code):  # type: ignore[no-untyped-def]
    """Whether a trade, a cross of shares or an execution at another price has no price or no shares."""
    if code == 80:  # P
        return _number(data, m + 20, 4) == 0 or _number(data, m + 32, 4) == 0
    if code == 81:  # Q: of no shares where nothing crossed
        shares = _number(data, m + 11, 8)
        return shares < 0 or (shares > 0 and _number(data, m + 27, 4) == 0)
    return code == 67 and _number(data, m + 32, 4) == 0


@stored
def parse(data, size, index, book, state, events):  # type: ignore[no-untyped-def]
    """Write the events of `data[:size]`; how many, or minus the fault, with its place in `state[1]`.

    `state[0]` is midnight until the first message and from then on stays it; the last time since midnight is kept in `state[1]`
    between calls.
    """
    n, at, last = 0, 0, state[1]
    while at < size:
        m = at + 2
        code = data[m]
        at = m + LENGTHS[code]
        since = _number(data, m + 5, 6)
        state[1] = m
        if since < last or since >= _DAY_NS:
            return -BACKWARDS
        last = since
        who = index[_number(data, m + 1, 2)]
        if who == UNKNOWN and code in (72, 65, 70, 69, 67, 88, 68, 85, 80, 81):  # H A F E C X D U P Q
            return -NO_STOCK
        if who < 0:
            continue
        if _is_empty(data, m, code):
            return -TOO_MANY
        stamp, ref = state[0] + since, _number(data, m + 11, 8)
        if code == 72:  # H
            if data[m + 19] not in (72, 80, 81, 84):
                return -BAD_CODE
            n = _put(events, n, stamp, _HALT, 0, who, 0 if data[m + 19] == 84 else 1, 0, 0, 0)
        elif code == 65 or code == 70:  # A F
            if data[m + 19] != 66 and data[m + 19] != 83:
                return -BAD_CODE
            side = _BUY if data[m + 19] == 66 else _SELL
            shares, price = _number(data, m + 20, 4), _number(data, m + 32, 4)
            if ref in book:
                return -TWICE
            if shares <= 0 or price <= 0:
                return -TOO_MANY
            book[ref] = (price, shares, np.int64(side))
            n = _put(events, n, stamp, _DEPTH, side | _LAST, who, price, shares, ref, -1)
        elif code in (69, 67, 88, 68, 85):  # E C X D U
            if ref not in book:
                return -NO_ORDER
            price, shares, side = book[ref]
            taken = shares if code == 68 or code == 85 else _number(data, m + 19, 4)
            if taken > shares or taken <= 0:
                return -TOO_MANY
            if code == 69 or (code == 67 and data[m + 31] == 89):  # printable
                paid = price if code == 69 else _number(data, m + 32, 4)
                n = _put(events, n, stamp, _TRADE, _SELL if side == _BUY else _BUY, who, paid, taken, _number(data, m + 23, 8), ref)
            if taken == shares:
                del book[ref]
            else:
                book[ref] = (price, shares - taken, side)
            n = _put(events, n, stamp, _DEPTH, side | (0 if code == 85 else _LAST), who, price, shares - taken, ref, -1)
            if code == 85:
                new, shares, price = _number(data, m + 19, 8), _number(data, m + 27, 4), _number(data, m + 31, 4)
                if new in book:
                    return -TWICE
                if shares <= 0 or price <= 0:
                    return -TOO_MANY
                book[new] = (price, shares, side)
                n = _put(events, n, stamp, _DEPTH, side | _LAST, who, price, shares, new, -1)
        elif code == 80:  # P
            n = _put(events, n, stamp, _TRADE, 0, who, _number(data, m + 32, 4), _number(data, m + 20, 4), _number(data, m + 36, 8), 0)
        elif code == 81 and ref > 0:  # Q: of no shares where nothing crossed
            n = _put(events, n, stamp, _TRADE, _AUCTION, who, _number(data, m + 27, 4), ref, _number(data, m + 31, 8), 0)
    state[1] = last
    return n
