"""The port between the engine and whatever answers it: a simulation, a record or real venues."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from framework.kernel.layout import codes
from framework.kernel.trader.trader import Trader
from framework.schema.order import Approved, Reason, Refused


class WakeKind(IntEnum):
    """Why the strategy is asked."""

    END = codes.END
    BAR = codes.W_BAR
    BARS = codes.W_BARS
    QUOTE = codes.W_QUOTE
    TRADE = codes.W_TRADE
    TIMER = codes.W_TIMER
    ORDER = codes.W_ORDER
    EVENT = codes.W_EVENT
    START = 8
    STOP = 9
    BOOK = codes.W_BOOK


@dataclass(slots=True)
class Wake:
    """What happened. One object is used again and again: read it, do not keep it.

    Attributes:
        kind: a `WakeKind`.
        instrument: its number, where the event has one.
        row: where the event stands: row of `tape`, or of the log for ORDER.
        tape: the market events that `row` counts in, as 8-byte words.
    """

    kind: int = int(WakeKind.START)
    instrument: int = 0
    row: int = 0
    tape: memoryview[int] = memoryview(b"").cast("q")  # noqa: RUF009  # an empty view is shared safely


@dataclass(frozen=True, slots=True)
class Decision:
    """What the strategy wants sent, after the pre-trade checks, and what they refused."""

    commands: Approved
    refused: tuple[Refused, ...] = ()


class World(Protocol):
    """Where events come from and commands go to."""

    @property
    def start_ns(self) -> int:
        """The stamp of the first event: no timer fires before it."""
        ...

    def advance(self, trader: Trader, until_ns: int) -> Wake:
        """Apply events until one must be decided on, or until the end."""
        ...

    def send(self, commands: Approved) -> None:
        """Send approved commands on their way."""
        ...

    def close(self, trader: Trader, why: Reason) -> None:
        """End what still works, for this reason; also when the run raised. A broken kernel is left as it is."""
        ...
