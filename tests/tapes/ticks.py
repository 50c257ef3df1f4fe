"""Lines of a drawing that are ticks: books and trades, as events."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument

WORDS = ("book", "bid", "ask", "trade", "GAP")
_SIDES = {"bid": Flag.BUY, "ask": Flag.SELL}
_TRADE_FLAGS = {"BUY": Flag.BUY, "SELL": Flag.SELL, "AUCTION": Flag.AUCTION}

Tick = tuple[str, int, dict[str, Any]]
"""DEPTH, TRADE or GAP; flags; prices, sizes and ids as written."""


def read_ticks(words: list[str]) -> list[Tick]:
    """The events of one line."""
    text = " ".join(words)
    if words[0] == "GAP":
        return [("GAP", 0, {})]
    if words[0] == "trade":
        taker = sum(int(flag) for word, flag in _TRADE_FLAGS.items() if word in words)
        return [("TRADE", taker, {"price": float(words[1]), "size": float(words[3]), "id": _id(words)})]
    if words[0] == "book":
        sides = text.removeprefix("book").split("/")
        named = zip(("bid", "ask"), sides, strict=True)
        changes = [(side, level) for side, levels in named for level in levels.split(",") if level.strip()]
        flags = [int(Flag.SNAPSHOT)] * len(changes)
        flags[0] |= int(Flag.CLEAR)
    else:
        changes = [tuple(change.strip().split(" ", 1)) for change in text.split(",")]  # type: ignore[misc]
        flags = [0] * len(changes)
    flags[-1] |= int(Flag.LAST)
    found: list[Tick] = []
    for (side, level), flag in zip(changes, flags, strict=True):
        parts = level.split()
        found.append(("DEPTH", flag | int(_SIDES[side]), {"price": float(parts[0]), "size": float(parts[2]), "id": _id(parts)}))
    return found


def _id(words: list[str]) -> int:
    return int(words[words.index("id") + 1]) if "id" in words else 0


def upside_down(ticks: list[Tick]) -> list[Tick]:
    """Prices p as 200 - p, sides exchanged."""
    both = int(Flag.BUY | Flag.SELL)
    turned = []
    for kind, flags, terms in ticks:
        sides = flags & both
        changed = terms | ({"price": 200 - terms["price"]} if terms else {})
        turned.append((kind, flags ^ both if sides else flags, changed))
    return turned


def events_of(ticks: list[Tick], ns: int, heard_ns: int, number: int, instrument: Instrument) -> NDArray[np.void]:
    """The events of a line."""
    events = np.zeros(len(ticks), dtype=EVENT)
    for event, (kind, flags, terms) in zip(events, ticks, strict=True):
        event["ts_venue_ns"], event["ts_local_ns"] = ns, heard_ns
        event["kind"], event["flags"], event["instrument"] = Kind[kind], flags, number
        if kind != "GAP":
            event["w0"], event["w1"] = instrument.tick.nearest(terms["price"]), instrument.lot.nearest(terms["size"])
            event["w3" if kind == "TRADE" else "w2"] = terms["id"]
    return events
