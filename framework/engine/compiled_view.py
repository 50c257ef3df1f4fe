"""The view as compiled hooks see it: the same words as `View`, on the same records, with instruments as numbers.

The view is the address of the trader half. Each method below is one call into the kernel, so a compiled hook and the same
hook in Python read the same bytes. The words that order stand in `compiled_orders.py`, those
of books in `compiled_book.py`, and what hooks are handed besides in `compiled_market.py`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any

import numba
import numpy as np
from numba.extending import overload_attribute, overload_method

from framework.engine.compiled_cell import fail_if, whole
from framework.engine.compiled_types import ViewType, trader_of
from framework.engine.failures import Failure
from framework.kernel.account.positions import position_of
from framework.kernel.layout.table_room import KEPT_ORDERS
from framework.kernel.market import marks as seen
from framework.kernel.market.marks import marks_of, past_bar, terms_of
from framework.kernel.market.order_rows import has_ended, order_of
from framework.kernel.market.valuation import valuation
from framework.kernel.trader.alarms import stance_of

_INSTRUMENT, _ORDER, _BARS = int(Failure.INSTRUMENT), int(Failure.ORDER), int(Failure.BARS)


def written(parameters: Iterable[inspect.Parameter]) -> str:
    """Parameters as in a source, any of them to be given by its name; the members of enumerations among the defaults as numbers."""
    defaults = ((p.name, int(p.default) if isinstance(p.default, IntEnum) else p.default) for p in parameters)
    return ", ".join(name if default is inspect.Parameter.empty else f"{name}={default!r}" for name, default in defaults)


def as_overload(function: Callable[..., Any]) -> Callable[..., Any]:
    """What numba's `overload` wants for a function that is its own compiled form: one with its parameters, returning it."""
    parameters = inspect.signature(function).parameters.values()
    scope: dict[str, Any] = {"function": function}
    exec(f"def typing({written(parameters)}):\n    return function\n", scope)  # numba binds calls to the names written here
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
def known_order(t: Any, order_id: Any) -> int:
    """The id of an order that there is."""
    number = whole(order_id)
    fail_if(np.uint64(number) >= np.uint64(t.orders_count), _ORDER, number, t.orders_count)
    return number


@numba.njit(**INLINED)
def readable_order(t: Any, order_id: Any) -> Any:
    """An order that is alive or among the last; one that ended before is not read, whether memory still has it or not."""
    number = known_order(t, order_id)
    order = order_of(t, number)
    is_old = number < t.orders_count - KEPT_ORDERS and has_ended(order) and order.done_ns < t.now_ns
    fail_if(is_old, _ORDER, number, t.orders_count)
    return order


@give_method("mean_close", INLINED)
def _mean_close(view: Any, instrument: Any, bars: Any) -> Any:
    t = trader_of(view)
    return seen.mean_close(t, instrument_in(t, instrument), _bars_in(t, bars))


@give_method("std_close")
def _std_close(view: Any, instrument: Any, bars: Any) -> Any:
    t = trader_of(view)
    count = _bars_in(t, bars)
    return seen.deviation(t, instrument_in(t, instrument), count)


@give_method("closes")
def _closes(view: Any, instrument: Any, bars: Any) -> Any:
    t = trader_of(view)
    number = instrument_in(t, instrument)
    count, marks, terms = _bars_in(t, bars), marks_of(t, number), terms_of(t, number)
    kept = min(count, marks.bars)
    values = np.empty(kept, dtype=np.float64)
    for k in range(kept):
        close = past_bar(t, marks, marks.bars - kept + k).close
        values[k] = close * terms.tick_numerator / terms.tick_denominator
    return values


@give_method("bar_count", INLINED)
def _bar_count(view: Any, instrument: Any) -> Any:
    return marks_of(trader_of(view), instrument_in(trader_of(view), instrument)).bars


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
    marks, terms = marks_of(t, number), terms_of(t, number)
    return marks.mark_ticks * terms.tick_numerator / terms.tick_denominator if marks.seen_ns != 0 else math.nan


@give_method("position", INLINED)
def _position(view: Any, instrument: Any) -> Any:
    t = trader_of(view)
    number = instrument_in(t, instrument)
    terms = terms_of(t, number)
    return position_of(t, number).lots * terms.lot_numerator / terms.lot_denominator


@give_method("stance")
def _stance(view: Any, instrument: Any) -> Any:
    t = trader_of(view)
    return stance_of(t, instrument_in(t, instrument), t.owner)


@give_method("is_done")
def _is_done(view: Any, order_id: Any) -> Any:
    t = trader_of(view)
    return has_ended(order_of(t, known_order(t, order_id)))


@give_method("filled_quantity")
def _filled_quantity(view: Any, order_id: Any) -> Any:
    t = trader_of(view)
    order = readable_order(t, order_id)
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


@_attribute("firm_gross")
def _firm_gross(view: Any) -> Any:
    return trader_of(view).firm_gross


@_attribute("firm_net")
def _firm_net(view: Any) -> Any:
    return trader_of(view).firm_net


@_attribute("firm_equity")
def _firm_equity(view: Any) -> Any:
    return trader_of(view).firm_equity


@_attribute("next_order_id")
def _next_order_id(view: Any) -> Any:
    return trader_of(view).orders_count
