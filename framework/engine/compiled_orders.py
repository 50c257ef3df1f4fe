"""The words of the view that order, for compiled hooks."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core.errors import NumbaTypeError
from numba.extending import overload

from framework.engine.compiled_cell import fail_if, whole
from framework.engine.compiled_types import trader_of
from framework.engine.compiled_view import INLINED, PLAIN, give_method, instrument_in, known_order, written
from framework.engine.failures import Failure
from framework.engine.order_words import force_of, peg_flag
from framework.engine.view import View
from framework.errors import InputError
from framework.kernel.account.positions import position_of
from framework.kernel.layout.codes import R_USER
from framework.kernel.market.marks import terms_of
from framework.kernel.trader.order_terms import G_TRAIL_BPS, NUMBERS
from framework.kernel.trader.propose import NO_ROOM
from framework.kernel.trader.requests import ASK_BRACKET, ASK_CANCEL, ASK_ORDER, ASK_REPLACE
from framework.kernel.trader.trader_calls import QUANTITY, WEIGHT, aim_in, order_in
from framework.schema.order import PEG_FLAGS, OrderFlag, OrderType, Peg, TimeInForce

_FORCE, _BROKEN = int(Failure.TIME_IN_FORCE), int(Failure.BROKEN)
_FORCES = len(TimeInForce)
_TRAIL_BPS, _OCO = int(OrderFlag.TRAIL_BPS), int(OrderFlag.OCO)
_SWITCHES = {"reduce_only": int(OrderFlag.REDUCE_ONLY), "post_only": int(OrderFlag.POST_ONLY), "hidden": int(OrderFlag.HIDDEN)}
_MARKET, _LIMIT, _STOP = int(OrderType.MARKET), int(OrderType.LIMIT), int(OrderType.STOP)


@numba.njit(**PLAIN)
def _noted(t: Any, result: int) -> int:
    """An id, or what leaves the hook where nothing more is taken."""
    fail_if(result == NO_ROOM, _BROKEN, 0, 0)
    return result


@give_method("target_quantity", INLINED)
def _target_quantity(view: Any, instrument: Any, quantity: Any) -> Any:
    t = trader_of(view)
    number = instrument_in(t, instrument)
    terms, position = terms_of(t, number), position_of(t, number)
    lots = position.lots + position.market_lots
    if position.reducing_lots == 0 and lots * terms.lot_numerator == quantity * terms.lot_denominator:
        return -1  # the common case, without a call
    return _noted(t, aim_in(t, QUANTITY, number, float(quantity)))


@give_method("target_weight")
def _target_weight(view: Any, instrument: Any, weight: Any) -> Any:
    t = trader_of(view)
    return _noted(t, aim_in(t, WEIGHT, instrument_in(t, instrument), float(weight)))


def _or_nan(value: Any) -> float:
    """A price that may not have been given; only compiled code calls it."""
    return math.nan if value is None else float(value)


@overload(_or_nan, strict=False)
def _or_nan_compiled(value: Any) -> Any:
    if isinstance(value, types.NoneType) or (isinstance(value, types.Omitted) and value.value is None):
        return lambda value: math.nan
    return lambda value: float(value)


def _as_force(value: Any) -> int:
    """The number of a time in force by its member, number or name; only compiled code calls it."""
    raise NotImplementedError


@overload(_as_force, strict=False, prefer_literal=True, jit_options=PLAIN)
def _as_force_compiled(value: Any) -> Any:
    if isinstance(value, types.IntEnumMember):
        return lambda value: value.value
    if isinstance(value, types.StringLiteral):
        force = int(_said(force_of, value.literal_value))
        return lambda value: force
    return lambda value: whole(value)


def _said(meaning: Callable[[str], int], text: str) -> int:
    """What a text means that is written out in a hook."""
    try:
        return meaning(text)
    except InputError as error:
        raise NumbaTypeError(str(error)) from None


def _bit(value: Any, bit: int) -> int:
    """`bit` if a number was given, else 0; only compiled code calls it."""
    return 0 if value is None else bit


@overload(_bit, strict=False)
def _bit_compiled(value: Any, bit: Any) -> Any:
    if isinstance(value, types.NoneType) or (isinstance(value, types.Omitted) and value.value is None):
        return lambda value, bit: 0
    return lambda value, bit: bit


def _as_peg(peg: Any) -> int:
    """The flag of a peg by its name or member; only compiled code calls it."""
    raise NotImplementedError


@overload(_as_peg, strict=False, prefer_literal=True)
def _as_peg_compiled(peg: Any) -> Any:
    if isinstance(peg, types.NoneType) or (isinstance(peg, types.Omitted) and peg.value is None):
        return lambda peg: 0
    if isinstance(peg, types.StringLiteral):
        flag = _said(peg_flag, peg.literal_value)
        return lambda peg: flag
    if isinstance(peg, types.IntEnumMember):
        primary, mid, is_primary = PEG_FLAGS[Peg.PRIMARY], PEG_FLAGS[Peg.MID], int(Peg.PRIMARY)
        return lambda peg: (primary if peg.value == is_primary else mid) if peg.value != 0 else 0
    return None


@numba.njit(**PLAIN)
def _placed(
    t: Any,
    instrument: int,
    quantity: float,
    numbers: tuple[float, ...],
    given: int,
    flags: int,
    time_in_force: int,
    parent: int,
    group: int,
) -> int:
    """An order whose words have one type each, whichever were given: it is compiled once."""
    if group >= 0 and group != t.orders_count:
        known_order(t, group)
    if parent >= 0:
        known_order(t, parent)
    fail_if(np.uint64(time_in_force) >= np.uint64(_FORCES), _FORCE, time_in_force, 0)
    instrument_in(t, instrument)
    r = t.request
    flags |= _OCO if group >= 0 else 0
    r.instrument, r.side, r.time_in_force, r.given = instrument, (-1 if quantity < 0 else 1), time_in_force, given
    r.flags = flags | (_TRAIL_BPS if given & G_TRAIL_BPS else 0)
    r.limit, r.stop, r.touch, r.trail, trail_bps, r.limit_offset, r.display, r.peg_offset = numbers
    if given & G_TRAIL_BPS:
        r.trail = trail_bps
    r.quantity, r.expire_ns, r.parent, r.group = abs(quantity), 0, parent, group
    return _noted(t, order_in(t, ASK_ORDER))


def _order() -> Callable[..., Any]:
    """`View.order` for compiled hooks: its parameters but the date, with their defaults, handed to `_placed`."""
    parameters = [p for name, p in inspect.signature(View.order).parameters.items() if name not in ("self", "expire")]
    numbers = ", ".join(f"as_number({name})" for name in NUMBERS)
    given = " | ".join(f"bit({name}, {1 << k})" for k, name in enumerate(NUMBERS))
    flags = " | ".join(f"({bit} if {name} else 0)" for name, bit in _SWITCHES.items())
    scope: dict[str, Any] = {"placed": _placed, "as_number": _or_nan, "bit": _bit, "as_peg": _as_peg, "as_force": _as_force}
    scope |= {"trader_of": trader_of, "whole": whole}
    exec(  # numba binds calls to the names written here
        f"def order(view, {written(parameters)}):\n"
        f"    numbers = ({numbers})\n"
        f"    given = {given}\n"
        f"    flags = {flags} | as_peg(peg)\n"
        f"    force = as_force(time_in_force)\n"
        f"    order = whole(instrument), float(quantity), numbers, given, flags, force, whole(parent), whole(group)\n"
        f"    return placed(trader_of(view), *order)\n",
        scope,
    )
    made: Callable[..., Any] = scope["order"]
    return made


give_method("order", prefer_literal=True)(_order())


@give_method("bracket")
def _bracket(view: Any, instrument: Any, quantity: Any, target: Any, loss: Any, limit: Any = None, stop: Any = None) -> Any:
    t = trader_of(view)
    r = t.request
    at_limit, at_stop = _or_nan(limit), _or_nan(stop)
    kind = _STOP if _bit(stop, 1) != 0 else (_MARKET if _bit(limit, 1) == 0 else _LIMIT)  # what is given and no number is refused
    r.instrument, r.side, r.type, r.quantity = instrument_in(t, instrument), (-1 if quantity < 0 else 1), kind, abs(float(quantity))
    r.limit, r.stop, r.target, r.loss = at_limit, at_stop, float(target), float(loss)
    return _noted(t, order_in(t, ASK_BRACKET))


@give_method("cancel")
def _cancel(view: Any, order_id: Any) -> Any:
    t = trader_of(view)
    t.request.order_id, t.request.reason = known_order(t, order_id), R_USER
    return _noted(t, order_in(t, ASK_CANCEL)) == 1


@give_method("replace")
def _replace(view: Any, order_id: Any, quantity: Any = None, limit: Any = None, stop: Any = None) -> Any:
    t = trader_of(view)
    r = t.request
    r.order_id, r.quantity, r.limit, r.stop = known_order(t, order_id), _or_nan(quantity), _or_nan(limit), _or_nan(stop)
    return _noted(t, order_in(t, ASK_REPLACE)) == 1
