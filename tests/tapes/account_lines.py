"""Lines of a drawing about the account: transfers, corrections, and what a run begins with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from framework.schema.event import EVENT, NO_INSTRUMENT, Correction, Kind, currency_word
from framework.schema.instrument import Instrument
from framework.schema.order import OrderType, Reason

WORDS = ("TRANSFER", "CORRECT")


def _bits(value: float) -> int:
    return int(np.float64(value).view(np.int64))


def event_of(words: list[str], ns: int, instruments: Mapping[str, Instrument]) -> np.void:
    """`TRANSFER 1000 USD`, `TRANSFER 10 X @ 50`, `CORRECT -25 USD`, `CORRECT 10 X @ 50`, `CORRECT FOUND 3 BUY 5 X LIMIT 98`,
    `CORRECT WORKS|ENDED 3 X filled 2` as an event.
    """
    event = np.zeros(1, dtype=EVENT)[0]
    event["ts_local_ns"] = event["ts_venue_ns"] = ns
    event["kind"], event["instrument"] = Kind.CORRECTION if words[0] == "CORRECT" else Kind.TRANSFER, NO_INSTRUMENT
    symbol = next((word for word in words if word in instruments), "")
    if symbol:
        event["instrument"] = sorted(instruments).index(symbol)
    if words[1] in ("WORKS", "ENDED"):
        event["flags"], event["w0"] = Correction[f"ORDER_{words[1]}"], int(words[2])
        event["w1"], event["w4"] = instruments[symbol].lot.nearest(float(words[-1])), Reason.RECONCILED
    elif words[1] == "FOUND":
        tick, lot = instruments[symbol].tick, instruments[symbol].lot
        event["flags"], event["w0"], event["w2"] = Correction.ORDER_FOUND, int(words[2]), lot.nearest(float(words[4]))
        event["w1"] = int(OrderType.LIMIT) | int(words[3] == "SELL") << 40
        event["w3"] = tick.nearest(float(words[-1]))
    elif symbol:
        lots, ticks = instruments[symbol].lot.nearest(float(words[1])), float(words[-1]) / instruments[symbol].tick.size
        event["w0"] = lots
        if words[0] == "TRANSFER":
            event["w1"] = _bits(ticks)
        else:
            event["flags"], event["w3"], event["w4"] = Correction.POSITION, _bits(ticks), Reason.RECONCILED
    else:
        event["w0"] = currency_word(words[2])
        if words[0] == "TRANSFER":
            event["w1"] = _bits(float(words[1]))
        else:
            event["flags"], event["w3"], event["w4"] = Correction.CASH, _bits(float(words[1])), Reason.RECONCILED
    return event


def opening_of(text: str) -> dict[str, Any]:
    """`1000 USD, 10 X @ 50, BUY 5 X LIMIT 98.50 STOP 99 DAY` as what `backtest(opening=...)` takes."""
    found: dict[str, Any] = {"cash": {}, "positions": {}, "orders": []}
    for part in text.split(","):
        words = part.split()
        if words[0] in ("BUY", "SELL"):
            order: dict[str, Any] = {"side": words[0], "quantity": float(words[1]), "instrument": words[2]}
            order |= {name.lower(): float(words[words.index(name) + 1]) for name in ("LIMIT", "STOP") if name in words}
            found["orders"].append(order | ({"time_in_force": "DAY"} if "DAY" in words else {}))
        elif "@" in words:
            found["positions"][words[1]] = (float(words[0]), float(words[3]))
        else:
            found["cash"][words[1]] = float(words[0])
    return found
