"""The types numba learns for compiled hooks: the view, and what a hook is handed. Each is a few words, passed by value."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import RefType, iternext_impl, lower_builtin
from numba.extending import intrinsic, make_attribute_wrapper, models, register_model

from framework.engine.timers import FIRING
from framework.kernel.layout.codes import F_BUY, F_SELL
from framework.kernel.layout.roots import event_row, trader_row
from framework.kernel.machine.compile import row_of
from framework.kernel.market.marks import marks_of, terms_of
from framework.kernel.market.money import price_of
from framework.kernel.market.order_rows import is_done, order_of

EVENT_BYTES = 64

firing_row = row_of(FIRING)

name_word = row_of(np.dtype([("value", "<i8")]))
"""A timer's name in memory: how many characters, then their code points, an 8-byte word each."""

_ORDER_NUMBERS = ("order_id", "instrument", "side", "type", "time_in_force", "state", "reason")
_ORDER_PRICES = ("quantity", "filled_quantity", "limit_price", "stop_price", "average_price")


def _word(name: str) -> str:
    """A field's name inside numba's structures, which keep names with an underscore to themselves."""
    return name.removeprefix("_")


def _fields(kind: types.Type, *names: str) -> tuple[tuple[str, types.Type], ...]:
    return tuple((name, kind) for name in names)


class ViewType(types.Type):
    """numba type of the view."""

    def __init__(self) -> None:
        super().__init__(name="onetape.View")


class NameType(types.Type):
    """numba type of a timer's name."""

    def __init__(self) -> None:
        super().__init__(name="onetape.Name")


class HandedType(types.Type):
    """numba type of what a hook is handed: a few fields by value. Those that hooks must not read begin with an underscore."""

    fields: ClassVar[tuple[tuple[str, types.Type], ...]] = ()

    def __init__(self) -> None:
        super().__init__(name=f"onetape.{type(self).__name__}")


class BarType(HandedType):
    """numba type of one bar: the address of its event, which is read when it is asked for."""

    fields = _fields(types.int64, "_event", "_trader")


class QuoteType(HandedType):
    """numba type of a quote."""

    fields = (*_fields(types.int64, "instrument", "ts_ns"), *_fields(types.float64, "bid", "ask", "bid_size", "ask_size"))


class TradeType(HandedType):
    """numba type of a trade."""

    fields = (*_fields(types.int64, "instrument", "ts_ns", "side"), *_fields(types.float64, "price", "size"))


class MarketEventType(HandedType):
    """numba type of a market event that is no price: the event's words, and the steps of its instrument."""

    fields = (
        *_fields(types.int64, "kind", "instrument", "ts_ns", "flags", "_w0", "_w1", "_w2", "_w3", "_w4"),
        *_fields(types.int64, "_tick_up", "_tick_down", "_lot_up", "_lot_down"),
    )


class OrderType(HandedType):
    """numba type of an order: as it stands when the hook is called, whatever the hook does to it then."""

    fields = (*_fields(types.int64, *_ORDER_NUMBERS), *_fields(types.float64, *_ORDER_PRICES), ("is_done", types.boolean))


class BarsType(HandedType, types.IterableType):
    """numba type of the bars of one stamp: where the first one's event lies, and how many there are, side by side."""

    fields = _fields(types.int64, "_first", "_count", "_trader")

    @property
    def iterator_type(self) -> Any:
        """What `for bar in bars` goes through."""
        return BARS_ITERATOR


class BarsIteratorType(types.SimpleIteratorType):
    """numba type of a walk over bars."""

    def __init__(self) -> None:
        super().__init__("onetape.BarsIterator", BAR)


VIEW, NAME, BAR, QUOTE, TRADE, MARKET_EVENT, ORDER, BARS = (
    ViewType(),
    NameType(),
    BarType(),
    QuoteType(),
    TradeType(),
    MarketEventType(),
    OrderType(),
    BarsType(),
)
BARS_ITERATOR = BarsIteratorType()


@register_model(ViewType)
@register_model(NameType)
class _AddressModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.IntType(64))


@register_model(BarType)
@register_model(QuoteType)
@register_model(TradeType)
@register_model(MarketEventType)
@register_model(OrderType)
@register_model(BarsType)
class _HandedModel(models.StructModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, [(_word(name), of) for name, of in kind.fields])


@register_model(BarsIteratorType)
class _BarsIteratorModel(models.StructModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, [("at", types.EphemeralPointer(types.int64)), ("end", types.int64), ("trader", types.int64)])


for _type in (BarType, QuoteType, TradeType, MarketEventType, OrderType, BarsType):
    for _field, _ in _type.fields:
        make_attribute_wrapper(_type, _word(_field), _field)


def _maker(made: Any) -> Any:
    """An intrinsic that makes a value of a type from one 8-byte word: its address."""

    @intrinsic
    def make(typingctx: Any, address: Any) -> Any:
        return made(types.int64), lambda context, builder, signature, args: args[0]

    return make


def _handed_maker(made: HandedType) -> Any:
    """An intrinsic that makes a value of a type from its fields."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = cgutils.create_struct_proxy(made)(context, builder)
        for (name, _), word in zip(made.fields, args, strict=True):
            setattr(value, _word(name), word)
        return value._getvalue()

    scope: dict[str, Any] = {"typed": lambda: (made(*(kind for _, kind in made.fields)), codegen)}
    names = ", ".join(_word(name) for name, _ in made.fields)
    exec(f"def make(typingctx, {names}):\n    return typed()\n", scope)  # numba counts the names
    return intrinsic(scope["make"])


make_view, make_name = _maker(VIEW), _maker(NAME)
make_bar, _make_bars = _handed_maker(BAR), _handed_maker(BARS)
_make_quote, _make_trade = _handed_maker(QUOTE), _handed_maker(TRADE)
_make_market_event, _make_order = _handed_maker(MARKET_EVENT), _handed_maker(ORDER)


@intrinsic
def address_behind(typingctx: Any, value: Any) -> Any:
    """The address behind a view or a name."""
    return types.int64(value), lambda context, builder, signature, args: args[0]


@lower_builtin("getiter", BarsType)
def _walk(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    bars = cgutils.create_struct_proxy(BARS)(context, builder, args[0])
    walk = cgutils.create_struct_proxy(BARS_ITERATOR)(context, builder)
    walk.at = cgutils.alloca_once_value(builder, bars.first)
    walk.end = builder.add(bars.first, builder.mul(bars.count, ir.Constant(ir.IntType(64), EVENT_BYTES)))
    walk.trader = bars.trader
    return walk._getvalue()


@lower_builtin("iternext", BarsIteratorType)
@iternext_impl(RefType.UNTRACKED)
def _next_bar(context: Any, builder: Any, signature: Any, args: Any, result: Any) -> None:
    walk = cgutils.create_struct_proxy(BARS_ITERATOR)(context, builder, args[0])
    at = builder.load(walk.at)
    is_inside = builder.icmp_signed("<", at, walk.end)
    result.set_valid(is_inside)
    with builder.if_then(is_inside):
        bar = cgutils.create_struct_proxy(BAR)(context, builder)
        bar.event, bar.trader = at, walk.trader
        result.yield_(bar._getvalue())
        builder.store(builder.add(at, ir.Constant(ir.IntType(64), EVENT_BYTES)), walk.at)


@numba.njit(error_model="numpy", boundscheck=False)
def bars_ending_at(tape: int, row: int, trader: int) -> Any:
    """The bars of the stamp whose last one is `row`: they lie side by side, sorted by instrument."""
    last = event_row(tape, row)
    first = row
    while first > 0:
        before = event_row(tape, first - 1)
        if before.ts_local_ns != last.ts_local_ns or before.kind != last.kind:
            break
        first -= 1
    return _make_bars(tape + first * EVENT_BYTES, row - first + 1, trader)


@numba.njit(error_model="numpy", boundscheck=False)
def quote_at(t: Any, address: int) -> Any:
    """The quote whose event lies at an address."""
    event = event_row(address, 0)
    terms = terms_of(t, event.instrument)
    up, down, lot_up, lot_down = terms.tick_numerator, terms.tick_denominator, terms.lot_numerator, terms.lot_denominator
    prices = event.w0 * up / down, event.w1 * up / down
    return _make_quote(event.instrument, event.ts_local_ns, *prices, event.w2 * lot_up / lot_down, event.w3 * lot_up / lot_down)


@numba.njit(error_model="numpy", boundscheck=False)
def waking_book_of(t: Any) -> Any:
    """The best prices of the book that the BOOK wake tells of, as a quote."""
    marks, terms = marks_of(t, t.wake_instrument), terms_of(t, t.wake_instrument)
    up, down, lot_up, lot_down = terms.tick_numerator, terms.tick_denominator, terms.lot_numerator, terms.lot_denominator
    prices, sizes = (marks.bid * up / down, marks.ask * up / down), (marks.bid_lots * lot_up / lot_down, marks.ask_lots * lot_up / lot_down)
    return _make_quote(t.wake_instrument, marks.quote_ns, *prices, *sizes)


@numba.njit(error_model="numpy", boundscheck=False)
def trade_at(t: Any, address: int) -> Any:
    """The trade whose event lies at an address."""
    event = event_row(address, 0)
    terms = terms_of(t, event.instrument)
    side = 1 if event.flags & F_BUY else (-1 if event.flags & F_SELL else 0)
    price = event.w0 * terms.tick_numerator / terms.tick_denominator
    return _make_trade(event.instrument, event.ts_local_ns, side, price, event.w1 * terms.lot_numerator / terms.lot_denominator)


@numba.njit(error_model="numpy", boundscheck=False)
def waking_event_of(t: Any, tape: int) -> Any:
    """The event that the EVENT wake tells of, of the tape or of the log; without an instrument it has the number -1."""
    row = t.wake_row
    event = event_row(tape, row) if row >= 0 else event_row(t.log, -1 - row)
    words = event.w0, event.w1, event.w2, event.w3, event.w4
    if event.instrument >= t.positions_count:
        return _make_market_event(event.kind, -1, event.ts_local_ns, event.flags, *words, 1, 1, 1, 1)
    terms = terms_of(t, event.instrument)
    up, down, lot_up, lot_down = terms.tick_numerator, terms.tick_denominator, terms.lot_numerator, terms.lot_denominator
    return _make_market_event(event.kind, event.instrument, event.ts_local_ns, event.flags, *words, up, down, lot_up, lot_down)


@numba.njit(error_model="numpy", boundscheck=False)
def waking_order_of(t: Any) -> Any:
    """The order that the ORDER wake tells of, as it stands now."""
    order = order_of(t, event_row(t.log, t.wake_row).w0)
    terms = terms_of(t, order.instrument)
    up, down, lot_up, lot_down = terms.tick_numerator, terms.tick_denominator, terms.lot_numerator, terms.lot_denominator
    return _make_order(
        order.order_id,
        order.instrument,
        order.side,
        order.type,
        order.time_in_force,
        order.state,
        order.reason,
        order.quantity_lots * lot_up / lot_down,
        order.filled_lots * lot_up / lot_down,
        order.limit_ticks * up / down if order.limit_ticks != 0 else math.nan,
        order.stop_ticks * up / down if order.stop_ticks != 0 else math.nan,
        price_of(terms, order.filled_value / order.filled_lots) * up / down if order.filled_lots != 0 else math.nan,
        is_done(order),
    )


@numba.njit(error_model="numpy", boundscheck=False)
def trader_of(view: Any) -> Any:
    """The trader half's record behind a view."""
    return trader_row(address_behind(view), 0)
