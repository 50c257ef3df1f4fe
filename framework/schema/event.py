"""The event: one 64-byte record, one cache line, for everything that can happen.

Two stamps, a kind, flags, an instrument and five int64 words whose meaning the kind gives:

    kind            w0              w1             w2              w3               w4
    BAR             open ticks      high ticks     low ticks       close ticks      volume lots
    QUOTE           bid ticks       ask ticks      bid lots        ask lots         -
    TRADE           price ticks     lots           trade id        order id         sequence         flags: BUY or SELL, who took; AUCTION
    DEPTH           price ticks     lots           order id        level            sequence         flags: see below
    GAP             expected seq.   found seq.     -               -                -
    OPEN_INTEREST   contracts       -              -               -                -
    MARK_PRICE      ticks           1e-9 of a tick -               -                -
    FUNDING         rate * 1e9      -              -               -                -
    DIVIDEND        nano money per share           -               -                -
    SPLIT           new shares      old shares     -               -                -
    HALT            1 halt 0 resume -              -               -                -
    PRICE_LIMITS    lower ticks     upper ticks    -               -                -               0: none on that side
    SESSION         calendar        open ns        close ns        -                -       flags: OPEN or CLOSE, PAUSE
    DELIST          final ticks     -              -               -                -
    TIMER           timer id        -              -               -                -
    ALARM           alarm kind      order id       kind of answer  state of order   -               derived, see below
    STANCE          scope           key            stance          reason           -               key: instrument, owner; else 0
    FIRM            gross (f8)      net (f8)       equity (f8)     -               -                in the base currency
    CUSTOM          number          the user's     the user's      the user's       the user's      integers or (f8)
    ALARM           alarm kind      its words      -               -                -
    COMMAND         command         its words      -               -                -
    CORRECTION      see below       -              -               -                -               flags: a `Correction`
    TRANSFER        currency        amount (f8)    other account   transfer id      rate (f8)       of cash
    TRANSFER        lots            ticks (f8)     other account   transfer id      -               of an instrument
    LIMIT           limit           scope          its number      value (f8)       reason
    BREAKER         breaker         scope          its number      1 tripped 0 set  reason
    ORDER_SUBMIT    order id        packed terms   lots            limit ticks      stop ticks
    ORDER_TERMS     order id        trail          expire ns       parent id        group id
    ORDER_INSTRUCTIONS  order id    display lots   peg offset      peg cap ticks    limit offset
    ORDER_CANCEL    order id        -              -               -                -
    ORDER_REPLACE   order id        -              lots            limit ticks      stop ticks
    ORDER_REFUSED   order id        reason         need (f8)       have (f8)        -
    ORDER_ACCEPTED  order id        -              -               -                -
    ORDER_REJECTED  order id        reason         need (f8)       have (f8)        -
    ORDER_TRIGGERED order id        stop ticks     limit ticks     -                -
    ORDER_FILLED    order id        price ticks    lots            fee (f8)         slippage (f8)
    ORDER_COSTS     order id        half spread    volume share    impact (f8)      -
    ORDER_CANCELLED order id        reason         need (f8)       have (f8)        -
    ORDER_EXPIRED   order id        reason         -               -                -
    ORDER_REPLACED  order id        -              lots            limit ticks      stop ticks
    ORDER_CANCEL_REJECTED           order id       reason          -                -
    ORDER_PLACED    order id        packed terms   lots            -                -
    CHARGE          cost kind       money (f8)     currency        -                -
    ORDER_REPRICED  order id        -              -               limit ticks      stop ticks
    SETTLED         mark ticks (f8) money (f8)     currency        -                -
    ORDER_UNKNOWN   order id        reason         -               -                -
    TAPE            first event     past the last  -               -                -       audit only

`(f8)` means the bits of a float64 kept in the int64 word. `slippage` is the money paid beyond price times quantity: half
spread, volume-share slippage and impact in a simulation, the part of a price finer than a tick at a real venue.

ORDER_INSTRUCTIONS follow the ORDER_TERMS of an order that has any. ORDER_TRIGGERED tells the limit of a trailing stop-limit, 0 for
others. ORDER_REPRICED tells where the venue has moved a pegged order, whose stop is 0, and the level of a trailing stop.

MARK_PRICE is what a venue values open positions at; from the first one on nothing else moves the mark of its instrument. FUNDING is
paid by longs to shorts where its rate is above 0, on the notional at the mark. ORDER_PLACED tells of an order that the broker placed
for our account, to liquidate; SETTLED of gains and losses since the last settlement that were paid.

An ALARM of the trader half tells of an answer that cannot be (`AlarmKind`); a STANCE with the reason IMPOSSIBLE_ANSWER follows where one
comes of it. STANCE says how far somebody may trade from now on (`Stance`, `Scope`). ORDER_UNKNOWN says that nobody knows what became of
an order; any later answer about it does.

FIRM tells an account what all accounts of its firm are exposed to and worth together: sums of |value| and of value of their positions,
and of their equity.
CORRECTION says what an account and its orders are in truth, by the `Correction` in its flags, with a `Reason` in `w4`:

    POSITION        lots            -              mark ticks (f8) cost ticks (f8)  reason
    CASH            currency        -              rate (f8)       difference (f8)  reason
    ORDER_FOUND     order id        packed terms   lots            limit ticks      stop ticks      the next free id; works at the venue
    ORDER_WORKS     order id        filled lots    -               -                reason
    ORDER_ENDED     order id        filled lots    -               -                reason

A position is set to its lots at one cost price; what it was before is gone, and nothing is realised. TRANSFER brings cash or units from
outside the account or from another one (its number, 0: none), or takes them out: negative. Units come in at the price that they are booked
at and go out at what they have cost, the oldest first. A mark or rate values what comes in until the market has a price of its own, 0 where
none is given. A currency is its letters, see `currency_word`. LIMIT and BREAKER hold for a scope as that of a STANCE, by its number there.

DEPTH says what stands in a book after the event. Without an order id (0) it is a price level: so many lots at this price, 0 for none;
`level` is its rank from the best, -1 where the source does not say. With an order id it is one order: its remaining lots at its
price, 0 when it is gone. BUY or SELL is its side. A snapshot is a run of DEPTH events flagged SNAPSHOT whose first is flagged CLEAR too:
the book before it is forgotten. The last event of one message of the source is flagged LAST; between, a book may be crossed. After a
GAP messages are missing and the book is unknown until the next snapshot. `sequence` is the source's own number, 0 where it has none.

PRICE_LIMITS tells between which prices a venue executes from now on, both included, such as a daily limit of a future or a band of
Limit Up-Limit Down. They hold until the next ones and end at the close of the session: limits told before a close do not outlive it.
A split restates them: divided as prices are, rounded inward.

A SESSION event tells the whole session in `w1` and `w2`. With PAUSE it is a break inside it, such as lunch: CLOSE where the break begins,
OPEN where it ends; orders of the day stay. A tape whose first event finds a market closed begins with the CLOSE of the session before,
one nanosecond ahead of that event.

Order of events: (`ts_local_ns`, source rank, sequence). At one stamp market data comes first (a bar stamped T tells of the
time up to T), then session closes, session opens, corporate actions, what concerns accounts, timers.
"""

from enum import IntEnum, IntFlag

from framework.schema.record import I8, U2, U4, Record, dtype_of


class Event(Record):
    """The 64-byte event record. `ts_venue_ns`: when it happened; `ts_local_ns`: when it could be known. UTC."""

    ts_local_ns: I8
    ts_venue_ns: I8
    kind: U2
    flags: U2
    instrument: U4
    w0: I8
    w1: I8
    w2: I8
    w3: I8
    w4: I8


EVENT = dtype_of(Event)

NO_INSTRUMENT = 0xFFFFFFFF


class Kind(IntEnum):
    """What an event is. Values are part of the file format: never renumber."""

    NONE = 0
    # market
    BAR = 1
    QUOTE = 2
    TRADE = 3
    DEPTH = 4
    FUNDING = 5
    DIVIDEND = 6
    SPLIT = 7
    HALT = 8
    SESSION = 9
    DELIST = 10
    GAP = 11
    OPEN_INTEREST = 12
    MARK_PRICE = 13
    PRICE_LIMITS = 14
    CUSTOM = 15
    # time and people
    TIMER = 20
    ALARM = 21
    COMMAND = 22
    STANCE = 27
    FIRM = 28
    CORRECTION = 23
    TRANSFER = 24
    LIMIT = 25
    BREAKER = 26
    # what the trader half says
    ORDER_SUBMIT = 32
    ORDER_TERMS = 33
    ORDER_CANCEL = 34
    ORDER_REPLACE = 35
    ORDER_REFUSED = 36
    ORDER_INSTRUCTIONS = 37
    # what the venue answers
    ORDER_ACCEPTED = 40
    ORDER_REJECTED = 41
    ORDER_TRIGGERED = 42
    ORDER_FILLED = 43
    ORDER_COSTS = 44
    ORDER_CANCELLED = 45
    ORDER_EXPIRED = 46
    ORDER_REPLACED = 47
    ORDER_CANCEL_REJECTED = 48
    ORDER_PLACED = 49
    CHARGE = 50
    SETTLED = 51
    ORDER_REPRICED = 52
    ORDER_UNKNOWN = 53
    # audit only
    TAPE = 60


class Flag(IntFlag):
    """Bits of `flags`; their meaning depends on the kind."""

    NONE = 0
    SESSION_OPEN = 1
    SESSION_CLOSE = 2
    MAKER = 4  # fill added liquidity
    AMBIGUOUS = 8  # fill was chosen among several possible inside one bar
    LAST = 16  # fill completed its order; DEPTH: last of its message
    REFUSED = 32  # submit that never left: an ORDER_REFUSED follows
    HELD = 64  # submit of a child that waits for its parent's fill
    MORE = 128  # submit whose ORDER_TERMS follow at once, or terms whose ORDER_INSTRUCTIONS do
    CHANGE = 256  # what was refused is a change; the order stands as it was
    BUY = 512  # DEPTH: a bid; TRADE: the buyer took
    SELL = 1024  # DEPTH: an offer; TRADE: the seller took
    SNAPSHOT = 2048
    CLEAR = 4096
    AUCTION = 8192  # TRADE: the print of an opening, closing or intraday auction
    PAUSE = 16384  # SESSION: a break inside the session begins (CLOSE) or ends (OPEN)
    EARLY = 32768  # what the broker does about an event of the market before its hooks are called


class Correction(IntEnum):
    """What a CORRECTION corrects; its flags hold one."""

    POSITION = 1
    CASH = 2
    ORDER_FOUND = 3
    ORDER_WORKS = 4
    ORDER_ENDED = 5


class CostKind(IntEnum):
    """Every kind of cost the ledger keeps apart."""

    FEE = 0
    HALF_SPREAD = 1
    VOLUME_SHARE = 2
    IMPACT = 3
    BORROW = 4
    FUNDING = 5
    TAX = 6


SOURCE_RANK = {
    Kind.QUOTE: 0,
    Kind.TRADE: 0,
    Kind.DEPTH: 0,
    Kind.GAP: 0,
    Kind.OPEN_INTEREST: 0,
    Kind.MARK_PRICE: 0,
    Kind.CUSTOM: 0,
    Kind.BAR: 1,  # a bar tells of the time up to its stamp; those of one stamp lie side by side
    Kind.HALT: 2,
    Kind.PRICE_LIMITS: 2,
    Kind.SESSION: 3,  # closes before opens: see `tape.build`
    Kind.SPLIT: 5,
    Kind.DIVIDEND: 6,
    Kind.FUNDING: 6,
    Kind.DELIST: 7,
    Kind.STANCE: 8,
    Kind.FIRM: 0,
    Kind.CORRECTION: 8,
    Kind.TRANSFER: 8,
    Kind.LIMIT: 8,
    Kind.BREAKER: 8,
    Kind.ALARM: 8,
    Kind.COMMAND: 8,
    Kind.TIMER: 9,
}
"""Which of two events at the same stamp is applied first."""


def currency_word(currency: str) -> int:
    """A currency as a word: its letters, up to eight, the first in the lowest byte.

    >>> currency_word("USD"), currency_of(currency_word("USD"))
    (4477781, 'USD')
    """
    return int.from_bytes(currency.encode("ascii"), "little")


def currency_of(word: int) -> str:
    """The inverse of `currency_word`."""
    return word.to_bytes(8, "little").rstrip(b"\0").decode("ascii")
