"""What leaves a trader half, as whole commands: for whoever sends them to a real venue.

In the outbox an order is up to three rows, its submit, its terms and its instructions, since an event has five words. Who sends to a venue
is never handed rows: one row of three would be another order.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.errors import KernelError
from framework.kernel.layout.roots import TRADER
from framework.kernel.trader.trader import Trader
from framework.schema.event import Flag, Kind
from framework.schema.order import OrderFlag, OrderType, Reason, Side, TimeInForce

_OUTBOX = TRADER.fields["outbox_count"][1] // 8  # type: ignore[index]
_UNIT = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)


@dataclass(frozen=True, slots=True)
class Submit:
    """A new order with all its terms. Prices and distances in ticks, quantities in lots; 0: not given, -1: no parent, no group."""

    ts_ns: int
    order_id: int
    instrument: int
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    flags: OrderFlag
    quantity_lots: int
    limit_ticks: int
    stop_ticks: int
    trail: int = 0
    expire_ns: int = 0
    parent_id: int = -1
    group_id: int = -1
    display_lots: int = 0
    peg_offset: int = 0
    peg_cap: int = 0
    limit_offset: int = 0


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take an order back."""

    ts_ns: int
    order_id: int
    instrument: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Replace:
    """Give an order other terms, all of them."""

    ts_ns: int
    order_id: int
    instrument: int
    quantity_lots: int
    limit_ticks: int
    stop_ticks: int


Command = Submit | Cancel | Replace


def whole_commands(rows: NDArray[np.void]) -> list[Command]:
    """The commands that rows of an outbox say, in their order.

    Raises:
        KernelError: rows that are no whole commands.
    """
    found: list[Command] = []
    at = 0
    while at < len(rows):
        kind, begin = Kind(int(rows["kind"][at])), at
        at += 1
        while rows["flags"][at - 1] & Flag.MORE and kind is Kind.ORDER_SUBMIT:
            if at == len(rows) or rows["w0"][at] != rows["w0"][begin]:
                raise KernelError(f"row {at - 1} of the outbox announces more of order {rows['w0'][begin]}, and what follows is none of it")
            at += 1
        found.append(_command(kind, rows[begin:at]))
    return found


def _command(kind: Kind, rows: NDArray[np.void]) -> Command:
    _, ts_ns, _, _, instrument, *words = rows[0].tolist()
    if kind is Kind.ORDER_CANCEL:
        return Cancel(ts_ns, words[0], instrument, Reason(words[1]))
    if kind is Kind.ORDER_REPLACE:
        return Replace(ts_ns, words[0], instrument, *words[2:5])
    if kind is not Kind.ORDER_SUBMIT:
        raise KernelError(f"a row of kind {kind.name} in the outbox, of order {words[0]}; rule: a command begins with its submit")
    order_id, packed, lots, limit_ticks, stop_ticks = words
    terms = [int(word) for name in ("w1", "w2", "w3", "w4") for word in (rows[name][1],)] if len(rows) > 1 else [0, 0, -1, -1]
    instructions = [int(word) for name in ("w1", "w2", "w3", "w4") for word in (rows[name][2],)] if len(rows) > 2 else [0, 0, 0, 0]
    return Submit(
        ts_ns,
        order_id,
        instrument,
        Side.SELL if (packed >> 40) & 1 else Side.BUY,
        OrderType(packed & 0xFF),
        TimeInForce((packed >> 8) & 0xFF),
        OrderFlag((packed >> 16) & 0xFFFF),
        lots,
        limit_ticks,
        stop_ticks,
        *terms,
        *instructions,
    )


class Outgoing:
    """Connects a trader half to whoever sends its commands: `World.send` and the compiled loop both end here.

    Args:
        trader: whose commands.
        send: called with whole commands, in their order, at once.

    Attributes:
        failure: what `send` raised. It cannot pass through compiled code, so whoever runs the loop raises it afterwards.
    """

    def __init__(self, trader: Trader, send: Callable[[Sequence[Command]], None]) -> None:
        self.failure: BaseException | None = None
        self._trader, self._send = trader, send
        self._unit = _UNIT(self._take)
        trader.record["ship"] = ctypes.cast(self._unit, ctypes.c_void_p).value or 0

    def _take(self, _trader: int, _connection: int) -> int:
        try:
            rows = self._trader.used("outbox").copy()
            self._trader.words[_OUTBOX] = 0
            self._send(whole_commands(rows))
        except BaseException as failure:  # an interrupt too
            self.failure = self.failure or failure
        return 0
