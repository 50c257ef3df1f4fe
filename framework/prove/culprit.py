"""Which datum did it: bisect the changed data, in the order in which they could be known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from framework.data.tape import Tape
from framework.prove.perturb import truncated
from framework.prove.trial import market_stamps
from framework.prove.verdict import Datum, iso
from framework.schema.event import NO_INSTRUMENT, Flag, Kind

Events = NDArray[np.void]
Differs = Callable[[Events], bool]

_FIELDS: dict[int, tuple[tuple[str, str], ...]] = {
    int(Kind.BAR): (("w0", "open"), ("w1", "high"), ("w2", "low"), ("w3", "close"), ("w4", "volume")),
    int(Kind.QUOTE): (("w0", "bid"), ("w1", "ask"), ("w2", "bid_size"), ("w3", "ask_size")),
    int(Kind.TRADE): (("w0", "price"), ("w1", "size"), ("flags", "side")),
    int(Kind.DEPTH): (("w0", "price"), ("w1", "size"), ("w2", "order id"), ("flags", "flags")),
    int(Kind.DIVIDEND): (("w0", "dividend"),),
    int(Kind.SPLIT): (("w0", "split"),),
    int(Kind.FUNDING): (("w0", "funding"),),
    int(Kind.MARK_PRICE): (("w0", "mark price"),),
    int(Kind.PRICE_LIMITS): (("w0", "lower limit"), ("w1", "upper limit")),
    int(Kind.DELIST): (("w0", "final price"),),
}
_ANY = (("kind", "kind"),)
_SIZES = ("volume", "bid_size", "ask_size", "size")
_AS_COUNTED = ("split", "order id")
_WITHOUT_VALUE = ("flags", "side", "kind")
_TRIED_ALONE = 4


def find(tape: Tape, changed: Events, differs: Differs) -> Datum | None:
    """The datum behind a difference.

    Changes are applied one after the other, earliest first; the datum with which the decision first comes out differently is found
    by bisection. It is then tried alone, like the first few and the last changes, and so is each of its fields.

    Args:
        tape: as it was.
        changed: its events with changed values, row by row beside the tape's.
        differs: whether a run over such events decides differently.
    """
    events = tape.events
    rows = np.flatnonzero(events != changed)
    if not len(rows):
        return None
    low, high = 0, len(rows)  # the first `low` changes make no difference, the first `high` do
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if differs(_with(events, changed, rows[:middle])) else (middle, high)
    row = int(rows[high - 1])
    for candidate in dict.fromkeys([row, *rows[:_TRIED_ALONE].tolist(), int(rows[-1])]):
        if differs(_with(events, changed, np.array([candidate]))):
            return _named(tape, changed, candidate, events, differs, alone=True)
    return _named(tape, changed, row, _with(events, changed, rows[: high - 1]), differs, alone=False)


def find_truncated(tape: Tape, cut: int, differs: Differs) -> Datum | None:
    """The earliest stamp after a cut at which the decision is as it was, had the data ended there: its data are the cause."""
    stamps = market_stamps(tape)
    stamps = stamps[stamps > cut]
    low, high = -1, len(stamps) - 1  # ending at `low` makes a difference, ending at `high` none
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if differs(truncated(tape.events, int(stamps[middle]))) else (low, middle)
    at = tape.events[(tape.events["ts_local_ns"] == stamps[high]) & (tape.events["instrument"] != NO_INSTRUMENT)]
    symbols = ", ".join(tape.instruments[number].symbol for number in np.unique(at["instrument"]).tolist())
    return Datum(iso(int(stamps[high])), symbols, "presence", None, None, True, worded(tape, at[-1]) if len(at) else "")


def _with(events: Events, changed: Events, rows: NDArray[np.int64]) -> Events:
    made = events.copy()
    made[rows] = changed[rows]
    return made


def _named(tape: Tape, changed: Events, row: int, before: Events, differs: Differs, *, alone: bool) -> Datum:
    """Name the field of a row that is enough by itself, or all of them."""
    event, other = tape.events[row], changed[row]
    fields = [(word, name) for word, name in (*_FIELDS.get(int(event["kind"]), ()), *_ANY) if event[word] != other[word]]
    stamp, tick = iso(int(event["ts_local_ns"])), worded(tape, event)
    symbol = tape.instruments[int(event["instrument"])].symbol
    for word, name in fields:
        made = before.copy()
        made[word][row] = other[word]
        if differs(made):
            if name in _WITHOUT_VALUE:
                return Datum(stamp, symbol, name, None, None, alone, tick)
            was, became = (_value(tape, int(event["instrument"]), name, int(e[word])) for e in (event, other))
            return Datum(stamp, symbol, name, was, became, alone, tick)
    return Datum(stamp, symbol, " and ".join(name for _, name in fields), None, None, alone, tick)


def worded(tape: Tape, event: np.void) -> str:
    """A trade, a quote or a change of a book in words, as it was; empty for other kinds."""
    kind = int(event["kind"])
    if kind not in (Kind.TRADE, Kind.DEPTH, Kind.QUOTE, Kind.GAP):
        return ""
    instrument, late_ns = tape.instruments[int(event["instrument"])], int(event["ts_local_ns"]) - int(event["ts_venue_ns"])
    price, size = instrument.tick.to_float, instrument.lot.to_float
    sides = {int(Flag.BUY): "BUY", int(Flag.SELL): "SELL"}
    words = [Kind(kind).name, sides.get(int(event["flags"]) & int(Flag.BUY | Flag.SELL), "")]
    if kind == Kind.QUOTE:
        words.append(
            f"{price(int(event['w0'])):.12g} x {size(int(event['w2'])):g} / {price(int(event['w1'])):.12g} x {size(int(event['w3'])):g}"
        )
    elif kind != Kind.GAP:
        order = int(event["w3" if kind == Kind.TRADE else "w2"])
        words += [f"{price(int(event['w0'])):.12g} x {size(int(event['w1'])):g}", f"order {order}" if order else ""]
    words.append(f"({late_ns} ns before at the venue)" if late_ns else "")
    return " ".join(word for word in words if word)


def _value(tape: Tape, number: int, field: str, word: int) -> float:
    instrument = tape.instruments[number]
    if field in ("dividend", "funding"):
        return word / 1_000_000_000
    if field in _AS_COUNTED:
        return float(word)
    return (instrument.lot if field in _SIZES else instrument.tick).to_float(word)
