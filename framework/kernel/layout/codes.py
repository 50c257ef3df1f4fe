"""The enumerations of the schema as plain integers, the form that compiles fastest."""

from __future__ import annotations

from framework.schema.event import Correction, CostKind, Flag, Kind
from framework.schema.instrument import InstrumentKind, Settlement
from framework.schema.order import OrderEvent, OrderFlag, OrderState, OrderType, Reason, TimeInForce
from framework.schema.stance import AlarmKind, Scope, Stance

# kinds of events
BAR, QUOTE, TRADE_TICK, DEPTH = int(Kind.BAR), int(Kind.QUOTE), int(Kind.TRADE), int(Kind.DEPTH)
FUNDING, DIVIDEND, SPLIT, HALT = int(Kind.FUNDING), int(Kind.DIVIDEND), int(Kind.SPLIT), int(Kind.HALT)
GAP, MARK_PRICE = int(Kind.GAP), int(Kind.MARK_PRICE)
SESSION, DELIST, CUSTOM, TIMER = int(Kind.SESSION), int(Kind.DELIST), int(Kind.CUSTOM), int(Kind.TIMER)
SUBMIT, TERMS = int(Kind.ORDER_SUBMIT), int(Kind.ORDER_TERMS)
CANCEL, REPLACE, REFUSED = int(Kind.ORDER_CANCEL), int(Kind.ORDER_REPLACE), int(Kind.ORDER_REFUSED)
ACCEPTED, REJECTED, TRIGGERED = int(Kind.ORDER_ACCEPTED), int(Kind.ORDER_REJECTED), int(Kind.ORDER_TRIGGERED)
FILLED, COSTS, CANCELLED = int(Kind.ORDER_FILLED), int(Kind.ORDER_COSTS), int(Kind.ORDER_CANCELLED)
EXPIRED, REPLACED = int(Kind.ORDER_EXPIRED), int(Kind.ORDER_REPLACED)
INSTRUCTIONS, REPRICED = int(Kind.ORDER_INSTRUCTIONS), int(Kind.ORDER_REPRICED)
CANCEL_REJECTED, CHARGE, TAPE = int(Kind.ORDER_CANCEL_REJECTED), int(Kind.CHARGE), int(Kind.TAPE)
PLACED, SETTLED, PRICE_LIMITS = int(Kind.ORDER_PLACED), int(Kind.SETTLED), int(Kind.PRICE_LIMITS)
ALARM, STANCE, FIRM, LOST = int(Kind.ALARM), int(Kind.STANCE), int(Kind.FIRM), int(Kind.ORDER_UNKNOWN)
CORRECTION, TRANSFER = int(Kind.CORRECTION), int(Kind.TRANSFER)

# flags of events
F_OPEN, F_MAKER = int(Flag.SESSION_OPEN), int(Flag.MAKER)
F_AMBIGUOUS, F_LAST, F_REFUSED = int(Flag.AMBIGUOUS), int(Flag.LAST), int(Flag.REFUSED)
F_HELD, F_MORE, F_CHANGE = int(Flag.HELD), int(Flag.MORE), int(Flag.CHANGE)
F_PAUSE, F_AUCTION, F_EARLY = int(Flag.PAUSE), int(Flag.AUCTION), int(Flag.EARLY)

# what is corrected: the flags of a CORRECTION
OF_POSITION, OF_CASH = int(Correction.POSITION), int(Correction.CASH)
ORDER_FOUND, ORDER_WORKS, ORDER_ENDED = int(Correction.ORDER_FOUND), int(Correction.ORDER_WORKS), int(Correction.ORDER_ENDED)

F_BUY, F_SELL, F_CLEAR = int(Flag.BUY), int(Flag.SELL), int(Flag.CLEAR)

# kinds of instruments
SPOT, INVERSE = int(Settlement.SPOT), int(Settlement.INVERSE)
K_EQUITY, K_PERPETUAL, K_FUTURE = int(InstrumentKind.EQUITY), int(InstrumentKind.PERPETUAL), int(InstrumentKind.FUTURE)

# what a mark means besides: it is a rate of exchange; the broker watches it; the venue tells it by MARK_PRICE events
MARK_IS_RATE, MARK_IS_WATCHED, MARK_IS_PUBLISHED = 1, 2, 4

# kinds of cost
C_FEE, C_HALF_SPREAD, C_VOLUME_SHARE = int(CostKind.FEE), int(CostKind.HALF_SPREAD), int(CostKind.VOLUME_SHARE)
C_IMPACT, C_BORROW, C_FUNDING, C_TAX = int(CostKind.IMPACT), int(CostKind.BORROW), int(CostKind.FUNDING), int(CostKind.TAX)
COST_KINDS = len(CostKind)
DIVIDEND_PAID, COST_BOOKED = -1, -2  # beside them, as the kind of a FLOW; the last is no money but what the position is booked at

# what changed a position, where no order did
BY_SPLIT, BY_DELISTING, BY_CORRECTION, BY_TRANSFER = -1, -2, -3, -4

# order types, times in force, flags
MARKET, LIMIT, STOP = int(OrderType.MARKET), int(OrderType.LIMIT), int(OrderType.STOP)
STOP_LIMIT, TRAILING = int(OrderType.STOP_LIMIT), int(OrderType.TRAILING_STOP)
MARKET_TOUCHED, LIMIT_TOUCHED = int(OrderType.MARKET_IF_TOUCHED), int(OrderType.LIMIT_IF_TOUCHED)
TRAILING_LIMIT = int(OrderType.TRAILING_STOP_LIMIT)
GTC, DAY, IOC, FOK = int(TimeInForce.GTC), int(TimeInForce.DAY), int(TimeInForce.IOC), int(TimeInForce.FOK)
GTD, AT_OPEN, AT_CLOSE = int(TimeInForce.GTD), int(TimeInForce.AT_OPEN), int(TimeInForce.AT_CLOSE)
O_TRAIL_BPS, O_REDUCE_ONLY = int(OrderFlag.TRAIL_BPS), int(OrderFlag.REDUCE_ONLY)
O_OCO, O_TARGET, O_RESTING = int(OrderFlag.OCO), int(OrderFlag.TARGET), int(OrderFlag.RESTING)
O_LIQUIDATION = int(OrderFlag.LIQUIDATION)
O_POST_ONLY, O_HIDDEN, O_ICEBERG = int(OrderFlag.POST_ONLY), int(OrderFlag.HIDDEN), int(OrderFlag.ICEBERG)
O_PEG_PRIMARY, O_PEG_MID = int(OrderFlag.PEG_PRIMARY), int(OrderFlag.PEG_MID)
O_PEGGED, O_UNSHOWN = O_PEG_PRIMARY | O_PEG_MID, O_HIDDEN | O_ICEBERG
O_INSTRUCTED, O_OWN_TERMS = O_POST_ONLY | O_PEGGED | O_UNSHOWN, O_PEGGED | O_ICEBERG

# order states
S_NONE, S_HELD = int(OrderState.NONE), int(OrderState.HELD)
S_WORKING, S_TRIGGERED, S_PARTIAL = int(OrderState.WORKING), int(OrderState.TRIGGERED), int(OrderState.PARTIAL)
S_PENDING_CANCEL, S_PENDING_REPLACE = int(OrderState.PENDING_CANCEL), int(OrderState.PENDING_REPLACE)
S_FILLED, S_CANCELLED, S_EXPIRED = int(OrderState.FILLED), int(OrderState.CANCELLED), int(OrderState.EXPIRED)
S_REJECTED, S_REFUSED, S_UNKNOWN = int(OrderState.REJECTED), int(OrderState.REFUSED), int(OrderState.UNKNOWN)

# order events
E_HOLD, E_SUBMIT, E_REFUSE = int(OrderEvent.HOLD), int(OrderEvent.SUBMIT), int(OrderEvent.REFUSE)
E_ACCEPT, E_REJECT, E_TRIGGER = int(OrderEvent.ACCEPT), int(OrderEvent.REJECT), int(OrderEvent.TRIGGER)
E_FILL_PART, E_FILL_LAST = int(OrderEvent.FILL_PART), int(OrderEvent.FILL_LAST)
E_ASK_CANCEL, E_CANCEL, E_REJECT_CANCEL = int(OrderEvent.ASK_CANCEL), int(OrderEvent.CANCEL), int(OrderEvent.REJECT_CANCEL)
E_ASK_REPLACE, E_REPLACE, E_EXPIRE = int(OrderEvent.ASK_REPLACE), int(OrderEvent.REPLACE), int(OrderEvent.EXPIRE)
E_LOSE = int(OrderEvent.LOSE)

# reasons
R_NONE, R_QUANTITY, R_LOT = int(Reason.NONE), int(Reason.INVALID_QUANTITY), int(Reason.NOT_A_LOT_MULTIPLE)
R_PRICE, R_TICK, R_NO_DATA = int(Reason.INVALID_PRICE), int(Reason.NOT_A_TICK_MULTIPLE), int(Reason.NO_MARKET_DATA)
R_NOT_TRADABLE, R_SHORT, R_CASH = int(Reason.NOT_TRADABLE), int(Reason.SHORT_NOT_ALLOWED), int(Reason.INSUFFICIENT_CASH)
R_LEVERAGE, R_POSITION, R_SIZE = int(Reason.LEVERAGE_LIMIT), int(Reason.POSITION_LIMIT), int(Reason.ORDER_SIZE_LIMIT)
R_NO_FX, R_BRACKET, R_EXPIRY = int(Reason.NO_FX_RATE), int(Reason.INVALID_BRACKET), int(Reason.INVALID_EXPIRY)
R_UNKNOWN, R_DONE, R_REDUCE_ONLY = int(Reason.UNKNOWN_ORDER), int(Reason.ORDER_DONE), int(Reason.REDUCE_ONLY)
R_USER, R_SIBLING, R_PARENT = int(Reason.USER), int(Reason.SIBLING_FILLED), int(Reason.PARENT_ENDED)
R_IOC, R_FOK, R_DAY = int(Reason.IOC_REMAINDER), int(Reason.FOK_NOT_FILLABLE), int(Reason.DAY_OVER)
R_DATE, R_MISSED_OPEN, R_MISSED_CLOSE = int(Reason.DATE_REACHED), int(Reason.MISSED_OPEN), int(Reason.MISSED_CLOSE)
R_DELISTED, R_SPLIT, R_END = int(Reason.DELISTED), int(Reason.SPLIT_TO_NOTHING), int(Reason.END_OF_DATA)
R_NO_CASH, R_SUPERSEDED = int(Reason.NO_CASH_AT_FILL), int(Reason.SUPERSEDED)
R_PRICES, R_NEEDS_LIMIT = int(Reason.CONFLICTING_PRICES), int(Reason.INSTRUCTION_NEEDS_LIMIT)
R_NEEDS_REST, R_INSTRUCTIONS = int(Reason.INSTRUCTION_NEEDS_REST), int(Reason.CONFLICTING_INSTRUCTIONS)
R_NO_PEG, R_WOULD_TAKE = int(Reason.NO_QUOTE_TO_PEG), int(Reason.POST_ONLY_WOULD_TAKE)
R_MARGIN, R_NO_LOCATE, R_LIQUIDATED = int(Reason.INSUFFICIENT_MARGIN), int(Reason.NO_LOCATE), int(Reason.LIQUIDATED)
R_SELF_TRADE, R_OUTSIDE = int(Reason.SELF_TRADE), int(Reason.OUTSIDE_PRICE_LIMITS)
R_RANGE = int(Reason.BEYOND_RANGE)
R_STANCE, R_IMPOSSIBLE = int(Reason.STANCE), int(Reason.IMPOSSIBLE_ANSWER)

# stances, for whom they are, and what alarms tell of
NORMAL, NO_NEW_RISK, REDUCING = int(Stance.NORMAL), int(Stance.NO_NEW_RISK), int(Stance.REDUCE_ONLY)
CANCELLING, FLATTENING, KILLED = int(Stance.CANCEL_ALL), int(Stance.FLATTEN), int(Stance.KILLED)
OF_INSTRUMENT, OF_OWNER, OF_ACCOUNT, OF_FIRM = int(Scope.INSTRUMENT), int(Scope.OWNER), int(Scope.ACCOUNT), int(Scope.FIRM)
A_UNKNOWN_ORDER, A_STATE, A_OVERFILL = int(AlarmKind.UNKNOWN_ORDER), int(AlarmKind.IMPOSSIBLE_STATE), int(AlarmKind.OVERFILL)
A_RANGE, A_INSTRUMENT, A_KIND = int(AlarmKind.OUT_OF_RANGE), int(AlarmKind.OTHER_INSTRUMENT), int(AlarmKind.UNKNOWN_KIND)
R_RANGE, R_OPTION = int(Reason.BEYOND_RANGE), int(Reason.OPTIONS_NOT_TRADED)

# wakes: what `advance` returns
END, W_BAR, W_BARS, W_QUOTE, W_TRADE = 0, 1, 2, 3, 4
W_TIMER, W_ORDER, W_EVENT, W_BOOK = 5, 6, 7, 10
LOG_FULL, NEED_TAPE, BROKEN, MISSING_COMMAND = -1, -2, -3, -4

# why a run broke: an answer of our own venue that cannot be, lots beyond what a word can count, a table without room, an order storm
BROKEN_BY_ANSWER, BROKEN_BY_RANGE, BROKEN_FOR_ROOM, BROKEN_BY_STORM = 1, 2, 3, 4

# what a strategy may wait for: bits of `wakes`
ON_BAR, ON_BARS, ON_QUOTE, ON_TRADE, ON_ORDER, ON_EVENT, ON_BOOK = 1, 2, 4, 8, 16, 32, 64

# whose fills push the price: nobody's, those that take, all
PUSHES_NOT, PUSHES_TAKING, PUSHES_ALWAYS = 0, 1, 2

# models of the place in the line, where the source tells levels and not orders
QUEUE_PESSIMISTIC, QUEUE_POWER, QUEUE_LOG = 0, 1, 2

# what a venue does where two orders of ours would trade with each other
SELF_IGNORED, SELF_CANCEL_NEWEST, SELF_CANCEL_OLDEST, SELF_CANCEL_BOTH, SELF_DECREMENT = 0, 1, 2, 3, 4
