"""The three types numba learns for compiled hooks: the view, a bar, and the bars of one stamp. Each is an address or two."""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, make_attribute_wrapper, models, register_model

from framework.kernel.records import event_row, trader_row

EVENT_BYTES = 64


class ViewType(types.Type):
    """numba type of the view."""

    def __init__(self) -> None:
        super().__init__(name="onetape.View")


class BarType(types.Type):
    """numba type of one bar."""

    def __init__(self) -> None:
        super().__init__(name="onetape.Bar")


class BarsType(types.Type):
    """numba type of the bars of one stamp."""

    def __init__(self) -> None:
        super().__init__(name="onetape.Bars")


VIEW, BAR, BARS = ViewType(), BarType(), BarsType()


@register_model(ViewType)
class _ViewModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.IntType(64))


@register_model(BarType)
class _BarModel(models.StructModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, [("event", types.int64), ("trader", types.int64)])


@register_model(BarsType)
class _BarsModel(models.StructModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, [("first", types.int64), ("count", types.int64), ("trader", types.int64)])


for _type, _fields in ((BarType, ("event", "trader")), (BarsType, ("first", "count", "trader"))):
    for _field in _fields:
        make_attribute_wrapper(_type, _field, f"_{_field}")


@intrinsic
def make_view(typingctx: Any, trader: Any) -> Any:
    """The view on the trader half at an address."""
    return VIEW(types.int64), lambda context, builder, signature, args: args[0]


@intrinsic
def address_of_view(typingctx: Any, view: Any) -> Any:
    """The address of the trader half behind a view."""
    return types.int64(VIEW), lambda context, builder, signature, args: args[0]


@intrinsic
def make_bar(typingctx: Any, event: Any, trader: Any) -> Any:
    """The bar whose event lies at an address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made = cgutils.create_struct_proxy(BAR)(context, builder)
        made.event, made.trader = args
        return made._getvalue()

    return BAR(types.int64, types.int64), codegen


@intrinsic
def _make_bars(typingctx: Any, first: Any, count: Any, trader: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made = cgutils.create_struct_proxy(BARS)(context, builder)
        made.first, made.count, made.trader = args
        return made._getvalue()

    return BARS(types.int64, types.int64, types.int64), codegen


@numba.njit
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


@numba.njit
def trader_of(view: Any) -> Any:
    """The trader half's record behind a view."""
    return trader_row(address_of_view(view), 0)
