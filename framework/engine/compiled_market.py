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
    NameType,
    address_behind,
    make_bar,
    name_word,
)
from framework.engine.compiled_view import PLAIN
from framework.engine.failures import Failure
from framework.kernel.layout.roots import event_row, trader_row
from framework.kernel.market.marks import terms_of

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
