"""What compiled hooks can do with what they are handed, besides reading the fields that `compiled_types.py` names.

The words are those of `market.py`, with instruments as numbers. Enumerations are plain integers, which compare with the members
of `Kind`, `Side`, `OrderState` and the others. A timer's name compares with texts, by `==`, `!=` and `in`.
"""

from __future__ import annotations

import operator
from typing import Any

import numba
import numpy as np
from numba import types
from numba.cpython.unicode import _get_code_point
from numba.extending import overload, overload_attribute

from framework.engine.compiled_cell import fail_if
from framework.engine.compiled_types import (
    EVENT_BYTES,
    BarsType,
    BarType,
    MarketEventType,
    NameType,
    address_behind,
    make_bar,
    name_word,
)
from framework.engine.compiled_view import PLAIN
from framework.engine.failures import Failure
from framework.kernel.layout.roots import event_row, trader_row
from framework.kernel.machine.compile import real
from framework.kernel.market.marks import terms_of
from framework.schema.event import Correction, Kind

_LIST_INDEX = int(Failure.LIST_INDEX)


@overload(len, strict=False)
def _len_bars(bars: Any) -> Any:
    if isinstance(bars, BarsType):
        return lambda bars: bars._count
    return None


@overload(operator.getitem, strict=False, jit_options=PLAIN)
def _get_bar(bars: Any, k: Any) -> Any:
    if not isinstance(bars, BarsType) or not isinstance(k, types.Integer):
        return None

    def get(bars: Any, k: Any) -> Any:
        at = k + bars._count if k < 0 else k
        fail_if(at < 0 or at >= bars._count, _LIST_INDEX, 0, 0)
        return make_bar(bars._first + at * EVENT_BYTES, bars._trader)

    return get


def _give_field(name: str, value: str) -> None:
    scope: dict[str, Any] = {"event_row": event_row, "terms_of": terms_of, "trader_row": trader_row, "np": np}
    exec(  # one getter a field, since numba wants the field's name in the code
        f"def get(bar):\n"
        f"    event = event_row(bar._event, 0)\n"
        f"    terms = terms_of(trader_row(bar._trader, 0), event.instrument)\n"
        f"    return {value}\n",
        scope,
    )
    overload_attribute(BarType, name, strict=False, jit_options=PLAIN)(lambda bar: scope["get"])


for _name, _word in (("open", "w0"), ("high", "w1"), ("low", "w2"), ("close", "w3")):
    _give_field(_name, f"event.{_word} * terms.tick_numerator / terms.tick_denominator")
_give_field("volume", "event.w4 * terms.lot_numerator / terms.lot_denominator")
_give_field("instrument", "np.int64(event.instrument)")
_give_field("ts_ns", "event.ts_local_ns")


def _give_event_field(name: str, value: str) -> None:
    scope: dict[str, Any] = {"real": real, "np": np}
    exec(f"def get(event):\n    kind, flags, has_instrument = event.kind, event.flags, event.instrument >= 0\n    return {value}\n", scope)
    overload_attribute(MarketEventType, name, strict=False, jit_options=PLAIN)(lambda event: scope["get"])


_NUMBERED = " or ".join(f"kind == {kind:d}" for kind in (Kind.CUSTOM, Kind.ALARM, Kind.COMMAND, Kind.LIMIT, Kind.BREAKER))
_SAYING = f"kind == {Kind.CUSTOM:d} or kind == {Kind.ALARM:d} or kind == {Kind.COMMAND:d}"
_SCOPED = f"kind == {Kind.LIMIT:d} or kind == {Kind.BREAKER:d}"
_IS_POSITION, _IS_CASH, _IS_ORDER = (
    f"kind == {Kind.CORRECTION:d} and flags {rule}"
    for rule in (f"== {Correction.POSITION:d}", f"== {Correction.CASH:d}", f">= {Correction.ORDER_FOUND:d}")
)
_UNITS, _CASH = f"kind == {Kind.TRANSFER:d} and has_instrument", f"kind == {Kind.TRANSFER:d} and not has_instrument"
_HAS_UNITS = f"{_UNITS} or {_IS_POSITION}"
_FILLED = f"(event._w2 if flags == {Correction.ORDER_FOUND:d} else event._w1)"
_LOTS = f"(event._w0 if {_HAS_UNITS} else {_FILLED})"
_MOVED = f"real(event._w1) if {_CASH} else (real(event._w3) if {_IS_CASH} else np.nan)"

for _name, _value in {
    "number": f"event._w0 if {_NUMBERED} else 0",
    "words": f"(event._w1, event._w2, event._w3, event._w4) if {_SAYING} else (0, 0, 0, 0)",
    "values": f"(real(event._w1), real(event._w2), real(event._w3), real(event._w4)) if {_SAYING} else (0.0, 0.0, 0.0, 0.0)",
    "scope": f"event._w1 if {_SCOPED} else 0",
    "scope_number": f"event._w2 if {_SCOPED} else 0",
    "value": f"real(event._w3) if kind == {Kind.LIMIT:d} else np.nan",
    "is_tripped": f"kind == {Kind.BREAKER:d} and event._w3 != 0",
    "order_id": f"event._w0 if {_IS_ORDER} else -1",
    "quantity": f"{_LOTS} * event._lot_up / event._lot_down if {_HAS_UNITS} or {_IS_ORDER} else np.nan",
    "price": f"real(event._w1 if {_UNITS} else event._w3) * event._tick_up / event._tick_down if {_HAS_UNITS} else np.nan",
    "amount": _MOVED,
    "currency_word": f"event._w0 if {_CASH} or {_IS_CASH} else 0",
    "has_instrument": "has_instrument",
}.items():
    _give_event_field(_name, _value)


@numba.njit(**PLAIN)
def _is_called(name: Any, text: Any) -> bool:
    """Whether a timer's name is a text, character by character."""
    at = address_behind(name)
    if name_word(at, 0).value != len(text):
        return False
    for k in range(len(text)):  # noqa: SIM110  # numba compiles no all()
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
