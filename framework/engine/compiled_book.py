"""The words of `book_reading.py` for compiled hooks."""

from __future__ import annotations

import math
from typing import Any

from framework.engine.compiled_cell import fail_if, whole
from framework.engine.compiled_types import trader_of
from framework.engine.compiled_view import INLINED, give_method, instrument_in
from framework.engine.failures import Failure
from framework.kernel.market.marks import marks_of, terms_of
from framework.kernel.market.order_book import depth_of, imbalance, weighted_mid_ticks
from framework.kernel.trader.trader_calls import lots_in, sweep_in

_SIDE = int(Failure.SIDE)


def _give_price(name: str, field: str) -> None:
    scope: dict[str, Any] = {
        "trader_of": trader_of,
        "marks_of": marks_of,
        "terms_of": terms_of,
        "instrument_in": instrument_in,
        "math": math,
    }
    exec(  # one getter a field, since numba wants the field's name in the code
        f"def get(view, instrument):\n"
        f"    t = trader_of(view)\n"
        f"    number = instrument_in(t, instrument)\n"
        f"    ticks, terms = marks_of(t, number).{field}, terms_of(t, number)\n"
        f"    return ticks * terms.tick_numerator / terms.tick_denominator if ticks != 0 else math.nan\n",
        scope,
    )
    give_method(name, INLINED)(scope["get"])


def _give_size(name: str, field: str) -> None:
    scope: dict[str, Any] = {"trader_of": trader_of, "marks_of": marks_of, "terms_of": terms_of, "instrument_in": instrument_in}
    exec(
        f"def get(view, instrument):\n"
        f"    t = trader_of(view)\n"
        f"    number = instrument_in(t, instrument)\n"
        f"    terms = terms_of(t, number)\n"
        f"    return marks_of(t, number).{field} * terms.lot_numerator / terms.lot_denominator\n",
        scope,
    )
    give_method(name, INLINED)(scope["get"])


_give_price("bid", "bid")
_give_price("ask", "ask")
_give_price("lower_limit", "lower_limit")
_give_price("upper_limit", "upper_limit")
_give_size("bid_size", "bid_lots")
_give_size("ask_size", "ask_lots")


@give_method("size_at")
def _size_at(view: Any, instrument: Any, side: Any, price: Any) -> Any:
    t = trader_of(view)
    number = instrument_in(t, instrument)
    terms = terms_of(t, number)
    at = whole(side)
    fail_if(at != 1 and at != -1, _SIDE, at, 0)
    return lots_in(t, number, at, float(price)) * terms.lot_numerator / terms.lot_denominator


@give_method("imbalance")
def _imbalance(view: Any, instrument: Any, levels: Any = 1) -> Any:
    t = trader_of(view)
    number = instrument_in(t, instrument)
    return imbalance(t, depth_of(t, number), whole(levels))


@give_method("weighted_mid")
def _weighted_mid(view: Any, instrument: Any) -> Any:
    t = trader_of(view)
    number = instrument_in(t, instrument)
    terms = terms_of(t, number)
    return weighted_mid_ticks(t, depth_of(t, number)) * terms.tick_numerator / terms.tick_denominator


@give_method("sweep_price")
def _sweep_price(view: Any, instrument: Any, quantity: Any) -> Any:
    t = trader_of(view)
    number = instrument_in(t, instrument)
    terms = terms_of(t, number)
    return sweep_in(t, number, float(quantity)) * terms.tick_numerator / terms.tick_denominator
