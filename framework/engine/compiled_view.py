"""The view as compiled hooks see it: the same words as `View`, on the same records, with instruments as numbers.

The view is the address of the trader half. Each method below is one call into the kernel, so a compiled hook and the same
hook in Python read the same bytes. What hooks are handed besides stands in `compiled_market.py`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core.errors import NumbaTypeError
from numba.extending import overload, overload_attribute, overload_method

from framework.engine.compiled_cell import fail_if, whole
from framework.engine.compiled_types import ViewType, trader_of
from framework.engine.failures import Failure
from framework.errors import did_you_mean
from framework.kernel.account.positions import position_of
from framework.kernel.layout.codes import R_USER, S_FILLED
from framework.kernel.market import marks as books
from framework.kernel.market.marks import book_of, past_bar, terms_of
from framework.kernel.market.order_rows import order_of
from framework.kernel.market.valuation import valuation
from framework.kernel.trader.doors import QUANTITY, WEIGHT, aim_in, order_in
from framework.kernel.trader.order_terms import (
    G_DISPLAY,
    G_LIMIT,
    G_LIMIT_OFFSET,
    G_PEG_OFFSET,
    G_STOP,
    G_TOUCH,
    G_TRAIL,
    G_TRAIL_BPS,
)
from framework.kernel.trader.propose import NO_ROOM
from framework.kernel.trader.requests import ASK_BRACKET, ASK_CANCEL, ASK_ORDER, ASK_REPLACE
from framework.schema.order import PEG_FLAGS, OrderFlag, OrderType, Peg, TimeInForce

_INSTRUMENT, _ORDER, _BARS, _FORCE, _BROKEN = (
    int(kind) for kind in (Failure.INSTRUMENT, Failure.ORDER, Failure.BARS, Failure.TIME_IN_FORCE, Failure.BROKEN)
)
_FORCES = len(TimeInForce)
_TRAIL_BPS, _REDUCE_ONLY, _OCO = int(OrderFlag.TRAIL_BPS), int(OrderFlag.REDUCE_ONLY), int(OrderFlag.OCO)
_POST_ONLY, _HIDDEN = int(OrderFlag.POST_ONLY), int(OrderFlag.HIDDEN)
_MARKET, _LIMIT, _STOP = int(OrderType.MARKET), int(OrderType.LIMIT), int(OrderType.STOP)


def as_overload(function: Callable[..., Any]) -> Callable[..., Any]:
    """What numba's `overload` wants for a function that is its own compiled form: one with its parameters, returning it."""
    parameters = inspect.signature(function).parameters.values()
    names = ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters)
    scope: dict[str, Any] = {"function": function}
    exec(f"def typing({names}):\n    return function\n", scope)  # numba binds calls to the names written here
    typing: Callable[..., Any] = scope["typing"]
    return typing


PLAIN: dict[str, Any] = {"error_model": "numpy", "boundscheck": False}
"""For our own words, which check what they are given: what a user's hook is compiled with does not reach them."""

INLINED: dict[str, Any] = {"forceinline": True, **PLAIN}
"""For what is small and asked on every bar: it becomes part of the hook."""


def give_method(
    name: str, options: dict[str, Any] | None = None, *, prefer_literal: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give the view a method whose compiled form is the decorated function; `prefer_literal`: it must see what texts say."""

    def give(function: Callable[..., Any]) -> Callable[..., Any]:
        overload_method(ViewType, name, strict=False, prefer_literal=prefer_literal, jit_options=options or PLAIN)(as_overload(function))
        return function

    return give


def _attribute(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def give(function: Callable[..., Any]) -> Callable[..., Any]:
        overload_attribute(ViewType, name, strict=False, jit_options=PLAIN)(as_overload(function))
        return function

    return give


@numba.njit(**INLINED)
def instrument_in(t: Any, instrument: Any) -> int:
    """The number of an instrument; one that there is not fails as in Python."""
    number = whole(instrument)
    fail_if(np.uint64(number) >= np.uint64(t.positions_count), _INSTRUMENT, number, t.positions_count)
    return number


@numba.njit(**INLINED)
def _bars_in(t: Any, bars: Any) -> int:
    """A number of past bars, from 1 to what is kept."""
    count = whole(bars)
    fail_if(np.uint64(count - 1) > np.uint64(t.history_mask), _BARS, count, t.history_mask + 1)  # one comparison for both ends
    return count


@numba.njit(**INLINED)
def _order_in(t: Any, order_id: Any) -> int:
    """The id of an order that there is."""
    number = whole(order_id)
    fail_if(np.uint64(number) >= np.uint64(t.orders_count), _ORDER, number, t.orders_count)
    return number


@numba.njit(**PLAIN)
def _noted(t: Any, result: int) -> int:
    """An id, or what leaves the hook where nothing more is taken."""
    fail_if(result == NO_ROOM, _BROKEN, 0, 0)
    return result


@give_method("mean_close", INLINED)
def _mean_close(view: Any, instrument: Any, bars: Any) -> Any:
    t = trader_of(view)
    return books.mean_close(t, instrument_in(t, instrument), _bars_in(t, bars))


@give_method("std_close")
def _std_close(view: Any, instrument: Any, bars: Any) -> Any:
    t = trader_of(view)
    count = _bars_in(t, bars)
    return books.deviation(t, instrument_in(t, instrument), count)


@give_method("closes")
def _closes(view: Any, instrument: Any, bars: Any) -> Any:
    t = trader_of(view)
    number = instrument_in(t, instrument)
    count, book, terms = _bars_in(t, bars), book_of(t, number), terms_of(t, number)
    kept = min(count, book.bars)
    values = np.empty(kept, dtype=np.float64)
    for k in range(kept):
        close = past_bar(t, book, book.bars - kept + k).close
        values[k] = close * terms.tick_numerator / terms.tick_denominator
    return values


@give_method("bar_count", INLINED)
def _bar_count(view: Any, instrument: Any) -> Any:
    return book_of(trader_of(view), instrument_in(trader_of(view), instrument)).bars


@give_method("tick", INLINED)
def _tick(view: Any, instrument: Any) -> Any:
    terms = terms_of(trader_of(view), instrument_in(trader_of(view), instrument))
    return terms.tick_numerator / terms.tick_denominator


@give_method("lot", INLINED)
def _lot(view: Any, instrument: Any) -> Any:
    terms = terms_of(trader_of(view), instrument_in(trader_of(view), instrument))
    return terms.lot_numerator / terms.lot_denominator


@give_method("price", INLINED)
def _price(view: Any, instrument: Any) -> Any:
    t = trader_of(view)
    number = instrument_in(t, instrument)
    book, terms = book_of(t, number), terms_of(t, number)
    return book.mark_ticks * terms.tick_numerator / terms.tick_denominator if book.seen_ns != 0 else math.nan


@give_method("position", INLINED)
def _position(view: Any, instrument: Any) -> Any:
    t = trader_of(view)
    number = instrument_in(t, instrument)
    terms = terms_of(t, number)
    return position_of(t, number).lots * terms.lot_numerator / terms.lot_denominator


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
        name = value.literal_value.upper()
        if name not in TimeInForce.__members__:
            known = did_you_mean(name, TimeInForce.__members__)
            raise NumbaTypeError(f"unknown time_in_force {value.literal_value!r}. {known}")
        force = int(TimeInForce[name])
        return lambda value: force
    return lambda value: whole(value)


def _bit(value: Any, bit: int) -> int:
    """`bit` if a number was given, else 0; only compiled code calls it."""
    return 0 if value is None else bit


@overload(_bit, strict=False)
def _bit_compiled(value: Any, bit: Any) -> Any:
    if isinstance(value, types.NoneType) or (isinstance(value, types.Omitted) and value.value is None):
        return lambda value, bit: 0
    return lambda value, bit: bit


def _peg_flag(peg: Any) -> int:
    """The flag of a peg by its name or member; only compiled code calls it."""
    raise NotImplementedError


@overload(_peg_flag, strict=False, prefer_literal=True)
def _peg_flag_compiled(peg: Any) -> Any:
    if isinstance(peg, types.NoneType) or (isinstance(peg, types.Omitted) and peg.value is None):
        return lambda peg: 0
    if isinstance(peg, types.StringLiteral):
        name = peg.literal_value.upper()
        if name not in Peg.__members__:
            raise NumbaTypeError(
                f"unknown peg {peg.literal_value!r}. {did_you_mean(name.lower(), [known.lower() for known in Peg.__members__])}"
            )
        flag = PEG_FLAGS[Peg[name]]
        return lambda peg: flag
    if isinstance(peg, types.IntEnumMember):
        primary, mid, is_primary = PEG_FLAGS[Peg.PRIMARY], PEG_FLAGS[Peg.MID], int(Peg.PRIMARY)
        return lambda peg: (primary if peg.value == is_primary else mid) if peg.value != 0 else 0
    return None


@give_method("order", prefer_literal=True)
def _order(
    view: Any,
    instrument: Any,
    quantity: Any,
    limit: Any = None,
    stop: Any = None,
    trail: Any = None,
    trail_bps: Any = None,
    touch: Any = None,
    trail_limit: Any = None,
    time_in_force: Any = 0,
    reduce_only: Any = False,
    parent: Any = -1,
    group: Any = -1,
    post_only: Any = False,
    display: Any = None,
    hidden: Any = False,
    peg: Any = None,
    peg_offset: Any = None,
) -> Any:
    numbers = (
        *(_or_nan(limit), _or_nan(stop), _or_nan(touch), _or_nan(trail), _or_nan(trail_bps)),
        *(_or_nan(trail_limit), _or_nan(display), _or_nan(peg_offset)),
    )
    given = _bit(limit, G_LIMIT) | _bit(stop, G_STOP) | _bit(touch, G_TOUCH) | _bit(trail, G_TRAIL) | _bit(trail_bps, G_TRAIL_BPS)
    given |= _bit(trail_limit, G_LIMIT_OFFSET) | _bit(display, G_DISPLAY) | _bit(peg_offset, G_PEG_OFFSET)
    flags = (_POST_ONLY if post_only else 0) | (_HIDDEN if hidden else 0) | _peg_flag(peg)
    force = _as_force(time_in_force)
    return _placed(
        trader_of(view), whole(instrument), float(quantity), numbers, given, flags, force, reduce_only, whole(parent), whole(group)
    )


@numba.njit(**PLAIN)
def _placed(
    t: Any,
    instrument: int,
    quantity: float,
    numbers: tuple[float, ...],
    given: int,
    flags: int,
    time_in_force: int,
    reduce_only: bool,
    parent: int,
    group: int,
) -> int:
    """An order whose words have one type each, whichever were given: it is compiled once."""
    if group >= 0 and group != t.orders_count:
        _order_in(t, group)
    if parent >= 0:
        _order_in(t, parent)
    fail_if(np.uint64(time_in_force) >= np.uint64(_FORCES), _FORCE, time_in_force, 0)
    instrument_in(t, instrument)
    r = t.request
    flags |= (_REDUCE_ONLY if reduce_only else 0) | (_OCO if group >= 0 else 0)
    r.instrument, r.side, r.time_in_force, r.given = instrument, (-1 if quantity < 0 else 1), time_in_force, given
    r.flags = flags | (_TRAIL_BPS if given & G_TRAIL_BPS else 0)
    r.limit, r.stop, r.touch, r.trail, trail_bps, r.limit_offset, r.display, r.peg_offset = numbers
    if given & G_TRAIL_BPS:
        r.trail = trail_bps
    r.quantity, r.expire_ns, r.parent, r.group = abs(quantity), 0, parent, group
    return _noted(t, order_in(t, ASK_ORDER))


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
    t.request.order_id, t.request.reason = _order_in(t, order_id), R_USER
    return _noted(t, order_in(t, ASK_CANCEL)) == 1


@give_method("replace")
def _replace(view: Any, order_id: Any, quantity: Any = None, limit: Any = None, stop: Any = None) -> Any:
    t = trader_of(view)
    r = t.request
    r.order_id, r.quantity, r.limit, r.stop = _order_in(t, order_id), _or_nan(quantity), _or_nan(limit), _or_nan(stop)
    return _noted(t, order_in(t, ASK_REPLACE)) == 1


@give_method("is_done")
def _is_done(view: Any, order_id: Any) -> Any:
    t = trader_of(view)
    return order_of(t, _order_in(t, order_id)).state >= S_FILLED


@give_method("filled_quantity")
def _filled_quantity(view: Any, order_id: Any) -> Any:
    t = trader_of(view)
    order = order_of(t, _order_in(t, order_id))
    terms = terms_of(t, order.instrument)
    return order.filled_lots * terms.lot_numerator / terms.lot_denominator


@_attribute("now_ns")
def _now_ns(view: Any) -> Any:
    return trader_of(view).now_ns


@_attribute("instruments")
def _instruments(view: Any) -> Any:
    return range(trader_of(view).positions_count)


@_attribute("equity")
def _equity(view: Any) -> Any:
    equity, _, _, _ = valuation(trader_of(view))
    return equity


@_attribute("cash")
def _cash(view: Any) -> Any:
    _, cash, _, _ = valuation(trader_of(view))
    return cash


@_attribute("next_order_id")
def _next_order_id(view: Any) -> Any:
    return trader_of(view).orders_count
