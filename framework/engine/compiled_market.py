"""What compiled hooks are handed: the same words as in `market.py`, on the same records, with instruments as numbers.

A bar, a quote and a market event read their event in the tape; an order holds what its row held when the hook was called.
Enumerations are plain integers, which compare with the members of `Kind`, `Side`, `OrderState` and the others. A timer's name
compares with texts, by `==`, `!=` and `in`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types
from numba.cpython.unicode import _get_code_point
from numba.extending import overload, overload_attribute

from framework.engine.compiled_types import (
    EVENT_BYTES,
    BarsType,
    BarType,
    MarketEventType,
    NameType,
    OrderType,
    QuoteType,
    address_behind,
    make_bar,
    name_word,
)
from framework.kernel.book import terms_of
from framework.kernel.codes import S_FILLED
from framework.kernel.records import event_row, trader_row


@overload(len, strict=False)
def _len_bars(bars: Any) -> Any:
    if isinstance(bars, BarsType):
        return lambda bars: bars._count
    return None


@overload(operator.getitem, strict=False)
def _get_bar(bars: Any, k: Any) -> Any:
    if not isinstance(bars, BarsType) or not isinstance(k, types.Integer):
        return None

    def get(bars: Any, k: Any) -> Any:
        at = k + bars._count if k < 0 else k
        if at < 0 or at >= bars._count:
            raise IndexError("list index out of range")  # what a list says
        return make_bar(bars._first + at * EVENT_BYTES, bars._trader)

    return get


def _give(kind: type[types.Type], name: str, getter: Callable[[Any], Any]) -> None:
    overload_attribute(kind, name, strict=False)(lambda handed: getter)


def _give_event_step(kind: type[types.Type], name: str, word: str, step: str) -> None:
    """An attribute that is `word` of the event in steps of `step`: tick or lot."""
    scope: dict[str, Any] = {"event_row": event_row, "terms_of": terms_of, "trader_row": trader_row}
    exec(  # one getter a field, since numba wants the field's name in the code
        f"def get(handed):\n"
        f"    event = event_row(handed._event, 0)\n"
        f"    terms = terms_of(trader_row(handed._trader, 0), event.instrument)\n"
        f"    return event.{word} * terms.{step}_numerator / terms.{step}_denominator\n",
        scope,
    )
    _give(kind, name, scope["get"])


for _name, _word in (("open", "w0"), ("high", "w1"), ("low", "w2"), ("close", "w3")):
    _give_event_step(BarType, _name, _word, "tick")
_give_event_step(BarType, "volume", "w4", "lot")
for _name, _word, _step in (("bid", "w0", "tick"), ("ask", "w1", "tick"), ("bid_size", "w2", "lot"), ("ask_size", "w3", "lot")):
    _give_event_step(QuoteType, _name, _word, _step)

for _type in (BarType, QuoteType):
    _give(_type, "instrument", lambda handed: np.int64(event_row(handed._event, 0).instrument))
    _give(_type, "ts_ns", lambda handed: event_row(handed._event, 0).ts_local_ns)


@overload_attribute(MarketEventType, "kind", strict=False)
def _event_kind(event: Any) -> Any:
    return lambda event: np.int64(event_row(event._event, 0).kind)


@overload_attribute(MarketEventType, "instrument", strict=False)
def _event_instrument(event: Any) -> Any:
    def get(event: Any) -> Any:
        instrument = np.int64(event_row(event._event, 0).instrument)
        return instrument if instrument < trader_row(event._trader, 0).positions_count else -1

    return get


def _give_order_field(name: str, body: str) -> None:
    scope: dict[str, Any] = {"terms_of": terms_of, "trader_row": trader_row, "math": math, "S_FILLED": S_FILLED}
    exec(f"def get(order):\n    terms = terms_of(trader_row(order._trader, 0), order._instrument)\n    return {body}\n", scope)
    _give(OrderType, name, scope["get"])


_TICKS, _LOTS = "* terms.tick_numerator / terms.tick_denominator", "* terms.lot_numerator / terms.lot_denominator"
for _name in ("order_id", "instrument", "side", "type", "time_in_force", "state", "reason"):
    _give_order_field(_name, f"order._{_name}")
_give_order_field("is_done", "order._state >= S_FILLED")
_give_order_field("quantity", f"order._quantity_lots {_LOTS}")
_give_order_field("filled_quantity", f"order._filled_lots {_LOTS}")
_give_order_field("limit_price", f"order._limit_ticks {_TICKS} if order._limit_ticks != 0 else math.nan")
_give_order_field("stop_price", f"order._stop_ticks {_TICKS} if order._stop_ticks != 0 else math.nan")
_give_order_field("average_price", f"order._filled_value / order._filled_lots {_TICKS} if order._filled_lots != 0 else math.nan")


@numba.njit
def _is_called(name: Any, text: Any) -> bool:
    """Whether a timer's name is a text, character by character."""
    at = address_behind(name)
    if name_word(at, 0).value != len(text):
        return False
    for k in range(len(text)):
        if name_word(at, k + 1).value != _get_code_point(text, k):
            return False
    return True


def _is_name_and_text(one: Any, other: Any) -> bool:
    return isinstance(one, NameType) and isinstance(types.unliteral(other), types.UnicodeType)


@overload(operator.eq, strict=False)
def _name_equals(one: Any, other: Any) -> Any:
    if _is_name_and_text(one, other):
        return lambda one, other: _is_called(one, other)
    if _is_name_and_text(other, one):
        return lambda one, other: _is_called(other, one)
    return None


@overload(operator.ne, strict=False)
def _name_differs(one: Any, other: Any) -> Any:
    if _is_name_and_text(one, other):
        return lambda one, other: not _is_called(one, other)
    if _is_name_and_text(other, one):
        return lambda one, other: not _is_called(other, one)
    return None
