"""Orders: sides, types, time in force, states, events, reasons, and the row of one. What follows what is `transitions.py`."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framework.schema.record import F8, I2, I4, I8, U1, U2, Record, dtype_of


class Side(IntEnum):
    """The sign of the quantity."""

    BUY = 1
    SELL = -1


class OrderType(IntEnum):
    """How an order finds its price."""

    MARKET = 0
    LIMIT = 1
    STOP = 2
    STOP_LIMIT = 3
    TRAILING_STOP = 4
    MARKET_IF_TOUCHED = 5  # triggers on the other side than a stop: a buy when the price has fallen to it
    LIMIT_IF_TOUCHED = 6
    TRAILING_STOP_LIMIT = 7


class Peg(IntEnum):
    """Which of the venue's best prices an order follows."""

    NONE = 0
    PRIMARY = 1  # that of its own side
    MID = 2  # the middle of both


class TimeInForce(IntEnum):
    """How long an order works."""

    GTC = 0  # until cancelled
    DAY = 1  # until the session that it works in closes
    IOC = 2  # what fills at the first chance, the rest is cancelled
    FOK = 3  # all at the first chance or nothing
    GTD = 4  # until `expire_ns`
    AT_OPEN = 5  # only in the opening of the next session
    AT_CLOSE = 6  # only in the closing of the session


class OrderFlag(IntFlag):
    """Bits of `Order.flags`."""

    NONE = 0
    TRAIL_BPS = 1  # `trail` is in hundredths of a basis point of the price, else in ticks
    REDUCE_ONLY = 2
    OCO = 4  # a fill of one member of the group takes quantity from the others
    HELD = 8  # a child that waits for its parent's fill
    TARGET = 16  # sized by a target; a later target may cancel it
    RESTING = 32  # venue half: it was offered a price and did not take it, so it makes liquidity
    LIQUIDATION = 64  # the broker placed it
    POST_ONLY = 128  # the venue refuses it if it would take
    HIDDEN = 256  # stands in no line
    ICEBERG = 512  # of `display_lots` at a time
    PEG_PRIMARY = 1024
    PEG_MID = 2048


PEG_FLAGS = {Peg.NONE: 0, Peg.PRIMARY: int(OrderFlag.PEG_PRIMARY), Peg.MID: int(OrderFlag.PEG_MID)}
"""The flag of each peg."""


class OrderState(IntEnum):
    """Where an order is in its life, as the trader half knows it."""

    NONE = 0
    HELD = 1  # child of a bracket: known here, not sent
    PENDING = 2  # sent, not yet answered
    WORKING = 3
    TRIGGERED = 4  # a stop whose price was reached; works as market or limit
    PARTIAL = 5
    PENDING_CANCEL = 6
    PENDING_REPLACE = 7
    FILLED = 8
    CANCELLED = 9
    EXPIRED = 10
    REJECTED = 11  # the venue said no
    REFUSED = 12  # we said no; it was never sent
    UNKNOWN = 13  # nobody knows whether it works: the connection went, or the venue did not answer

    @property
    def is_done(self) -> bool:
        """Whether an order in this state has ended."""
        return OrderState.FILLED <= self <= OrderState.REFUSED


class OrderEvent(IntEnum):
    """What can happen to an order."""

    HOLD = 0
    SUBMIT = 1
    REFUSE = 2
    ACCEPT = 3
    REJECT = 4
    TRIGGER = 5
    FILL_PART = 6
    FILL_LAST = 7
    ASK_CANCEL = 8
    CANCEL = 9
    REJECT_CANCEL = 10
    ASK_REPLACE = 11
    REPLACE = 12
    EXPIRE = 13
    LOSE = 14


class Reason(IntEnum):
    """Why an order was refused, rejected, cancelled or expired. Every order that does not fill carries one."""

    NONE = 0
    # refused before it was sent
    INVALID_QUANTITY = 1  # zero, negative, NaN or infinite
    NOT_A_LOT_MULTIPLE = 2
    INVALID_PRICE = 3  # not positive, NaN, infinite or missing
    NOT_A_TICK_MULTIPLE = 4
    NO_MARKET_DATA = 5  # nothing was ever seen of this instrument
    NOT_TRADABLE = 6  # an index, or delisted
    SHORT_NOT_ALLOWED = 7
    INSUFFICIENT_CASH = 8  # gross exposure would pass equity, with leverage 1 or below
    LEVERAGE_LIMIT = 9
    POSITION_LIMIT = 10
    ORDER_SIZE_LIMIT = 11
    NO_FX_RATE = 12
    INVALID_BRACKET = 13  # stop, entry and target are not in their order
    INVALID_EXPIRY = 14  # good till a date that has passed
    UNKNOWN_ORDER = 15
    ORDER_DONE = 16  # cancel or replace of an order that has ended
    REDUCE_ONLY = 17  # would open or enlarge a position
    INSUFFICIENT_MARGIN = 19
    NO_LOCATE = 20  # more would be held short than was located
    CONFLICTING_PRICES = 21  # two prices that no one order has, such as a stop and a touch
    INSTRUCTION_NEEDS_LIMIT = 22  # post-only, display, hidden or peg (need: bits of `OrderFlag`) on another type (have: `OrderType`)
    INSTRUCTION_NEEDS_REST = 23  # the same on an order that does not rest (have: `TimeInForce`)
    CONFLICTING_INSTRUCTIONS = 24  # two that exclude each other (bits of `OrderFlag`)
    NO_QUOTE_TO_PEG = 25  # the best price that it follows is not known
    BEYOND_RANGE = 26  # a price of more ticks or a position of more lots than 2**53
    STANCE = 27  # need: the `Stance` that holds, have: the severest that lets it pass; also the reason of the cancels of a stance
    OPTIONS_NOT_TRADED = 28  # what an option is worth and how it ends is not built
    # ended by the venue or by time
    USER = 30  # cancelled on request
    SIBLING_FILLED = 31
    PARENT_ENDED = 32
    IOC_REMAINDER = 33
    FOK_NOT_FILLABLE = 34
    DAY_OVER = 35
    DATE_REACHED = 36
    MISSED_OPEN = 37
    MISSED_CLOSE = 38
    DELISTED = 39
    SPLIT_TO_NOTHING = 40  # a reverse split left less than one lot
    END_OF_DATA = 41
    NO_CASH_AT_FILL = 42  # the price had moved past what the account can carry
    SUPERSEDED = 43  # a newer target for the same instrument
    LIQUIDATED = 44  # the account fell below its maintenance margin; also the reason of the broker's own orders
    POST_ONLY_WOULD_TAKE = 45  # need: its limit, have: the price that it would have taken
    SELF_TRADE = 50  # would have traded with another order of ours
    OUTSIDE_PRICE_LIMITS = 51  # priced beyond what the venue executes today
    RUN_ENDED_EARLY = 52  # the run raised or was interrupted while it worked
    # why an order is unknown, why a stance was set
    IMPOSSIBLE_ANSWER = 53  # an alarm tells of it
    CONNECTION_LOST = 54
    NO_ANSWER = 55  # in the time that a venue has for one
    # why something was corrected
    OPENING = 60  # the run began with it
    RECONCILED = 61  # the venue or its statement says so
    OPERATOR = 62  # somebody corrected it by hand


KNOWN_REASONS: NDArray[np.bool_] = np.isin(np.arange(256), [int(reason) for reason in Reason])
"""Whether a number is a reason, for what a venue says."""
KNOWN_REASONS.setflags(write=False)


class Order(Record):
    """One order as either half keeps it. Lots are unsigned; the side carries the sign."""

    order_id: I8
    instrument: I4
    state: U1
    type: U1
    time_in_force: U1
    reason: U1
    side: I2
    flags: U2
    next_working: I4  # the next order at this instrument, -1 at the end; trader half: the next that lives, see `let_go.py`
    owner: I8  # which of several strategies it belongs to, 0: the only one, or the account itself
    quantity_lots: I8
    filled_lots: I8
    limit_ticks: I8
    stop_ticks: I8
    trail: I8
    limit_offset: I8  # ticks from the stop of a trailing stop-limit to its limit
    display_lots: I8  # what an iceberg shows at a time
    peg_offset: I8  # ticks towards the other side
    peg_cap: I8  # the worst price a peg may follow to, 0: none
    expire_ns: I8
    parent_id: I8  # -1: none
    group_id: I8  # -1: none
    decided_ns: I8
    accepted_ns: I8  # 0: never
    done_ns: I8  # 0: still working; venue half: since when a command waits for the bar under way, see `kept_commands.py`
    filled_value: F8  # basis x lots over the fills, slippage included; see `kernel.market.money`
    fees: F8  # money in the instrument's currency
    planned_cost: F8  # what it was expected to cost when submitted, base currency
    changes_under_way: I8  # trader half: asked for and not answered; then the next three are the terms last asked for
    asked_lots: I8
    asked_limit_ticks: I8
    asked_stop_ticks: I8
    raw_fees: F8  # venue half: before minimum and maximum of the order
    blocked_ns: I8  # venue half: a sibling filled in the bar of this stamp
    filled_ns: I8  # venue half: our stamp of the event that filled it last, 0: none
    filled_ticks: I8  # venue half: and the price
    ahead_lots: F8  # venue half: what stands before it in the line at its price
    passed_lots: F8  # venue half: trades at its price since its level was last published
    shown_lots: I8  # venue half: what is left of what an iceberg shows
    place: I8  # venue half: orders of the source up to this place in the line stand before it
    need: F8  # numbers of the reason: what was asked
    have: F8  # and what the rule allows


ORDER = dtype_of(Order)

LAST_OWNER = 0x7FFF
"""The largest number of an owner: 15 bits of a submit."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An order that was not sent, as a value: which rule it broke, with the rule's two numbers."""

    order_id: int
    instrument: str
    reason: Reason
    need: float
    have: float

    def __str__(self) -> str:
        return f"order {self.order_id} in {self.instrument} refused: {self.reason.name} (needs {self.need:g}, allowed {self.have:g})"


class Outbox(Protocol):
    """Whoever keeps the commands that passed the checks until they are sent."""

    def used(self, name: str) -> NDArray[np.void]:
        """The rows of a table that are in use."""
        ...

    def ship(self) -> None:
        """Send what stands in the outbox to whoever is connected."""
        ...


class Approved:
    """The commands that passed the pre-trade checks and are not yet sent: the only thing a world will send.

    It looks at the outbox of a trader half and keeps no copy: once they are sent it is empty. `Trader.approved` alone makes one;
    building one elsewhere is a `TypeError`.
    """

    __slots__ = ("_outbox",)
    _key = object()

    def __init__(self, outbox: Outbox, key: object) -> None:
        if key is not Approved._key:
            raise TypeError("only the pre-trade checks make Approved orders")
        self._outbox = outbox

    @property
    def events(self) -> NDArray[np.void]:
        """The commands, dtype EVENT, as a view that lasts until they are sent."""
        return self._outbox.used("outbox")

    def ship(self) -> None:
        """Send them: what every world's `send` does."""
        self._outbox.ship()

    def __len__(self) -> int:
        return len(self.events)
