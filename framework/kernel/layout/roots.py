"""The records that hold all state of the kernel, and the tables they point to.

Two roots: `TRADER` (what we know and own) and `EXCHANGE` (what the simulated venue knows). Each root carries, for every
table, three words: its address, how many rows are used and how many there are; then the address of the function that
grows a table, and that of the trader half. Python owns the memory; compiled code reads and writes rows in place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.kernel.layout.codes import COST_KINDS
from framework.kernel.layout.depth_records import DEPTH_BOOK, RESTING
from framework.kernel.layout.impact_records import DECAY, DISPLACEMENT, VOLUME
from framework.kernel.layout.latency_records import LEG, TRAFFIC
from framework.kernel.layout.request_record import REQUEST
from framework.kernel.layout.venue_records import SESSION_STATE, TURN, VENUE_BOOK, VENUE_RULES
from framework.kernel.machine.compile import row_of
from framework.schema.event import EVENT
from framework.schema.order import ORDER

TERMS = np.dtype(
    [
        ("tick_numerator", "<f8"),  # whole numbers below 2**53, as floats because prices are made with them
        ("tick_denominator", "<f8"),
        ("tick", "<f8"),  # price units per tick
        ("lot_numerator", "<f8"),
        ("lot_denominator", "<f8"),
        ("lot", "<f8"),  # units per lot
        ("point_value", "<f8"),  # money per unit of basis per lot, multiplier included; see `money.py`
        ("initial_margin", "<f8"),  # shares of the notional; 0: asks for none
        ("long_maintenance", "<f8"),
        ("short_maintenance", "<f8"),
        ("liquidation_fee", "<f8"),
        ("borrow_rate", "<f8"),  # a year, of the value held short
        ("located_lots", "<i8"),  # the most that may be held short; negative: no limit
        ("settlement", "<i4"),  # a `Settlement`
        ("is_margined", "<i4"),  # the broker watches its positions
        ("judges_worst", "<i8"),  # at the worst price of a bar too; see `liquidation.py`
        ("bar_interval_ns", "<i8"),
        ("currency", "<i4"),  # of settlement
        ("base_currency", "<i4"),  # FX only, else -1
        ("calendar", "<i4"),
        ("kind", "<i4"),
    ]
)
"""What never changes about an instrument."""

BOOK = np.dtype(
    [
        ("mark_ticks", "<f8"),  # what the venue said last; else close of the last bar, or mid of the last quote
        ("seen_ns", "<i8"),  # stamp of the first mark, 0: none yet
        ("bars", "<i8"),  # how many bars were applied
        ("bar_ns", "<i8"),  # stamp of the last bar
        ("history", "<i8"),  # address of the ring of past bars
        ("mark_flags", "<i8"),  # MARK_* bits of `codes`: what a new mark means besides; 0 for most
        ("halted", "<i4"),
        ("delisted", "<i4"),
        ("bid", "<i8"),
        ("ask", "<i8"),
        ("bid_lots", "<i8"),
        ("ask_lots", "<i8"),
        ("quote_ns", "<i8"),
        ("last", "<i8"),  # price of the last trade, 0: none yet
        ("lower_limit", "<i8"),  # price limits of the venue in ticks, 0: none
        ("upper_limit", "<i8"),
        ("limits_ns", "<i8"),  # the venue's stamp of when they were told
        ("halted_ns", "<i8"),  # when the last halt began, or ended
    ]
)
"""The market of one instrument as seen by the trader half."""

PAST_BAR = np.dtype(
    [
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("volume", "<f8"),
        ("sum_close", "<f8"),
    ]
)
"""One bar of the history ring, in ticks and lots, adjusted as of now for splits and dividends.

Whole numbers until the first adjustment, so running sums are exact (below 2**53) and ties of two means are real ties.
"""

POSITION = np.dtype(
    [
        ("lots", "<i8"),  # signed
        ("cost", "<f8"),  # signed basis x lots paid for what is open
        ("carried", "<f8"),  # the same since the last settlement: a derivative is worth (lots x basis of the mark - carried) x point value
        ("realised", "<f8"),  # money, fees not deducted
        ("fees", "<f8"),
        ("income", "<f8"),  # dividends received less dividends paid, cash in lieu aside
        ("market_lots", "<i8"),  # signed leaves of working market orders, of reduce-only ones only a target's
        ("reducing_lots", "<i8"),  # leaves of working reduce-only market orders, of both sides together
        ("plain_lots", "<i8"),  # leaves of the other working market orders, likewise
        ("buy_lots", "<i8"),  # leaves of other working buys
        ("sell_lots", "<i8"),  # leaves of other working sells
        ("target_order", "<i8"),  # the last order a target made, -1: none
        ("first", "<i8"),  # oldest open tax lot, -1: none
        ("last", "<i8"),
    ]
)

TAX_LOT = np.dtype([("lots", "<i8"), ("price", "<f8"), ("carry", "<f8"), ("fees", "<f8"), ("ts_ns", "<i8"), ("next", "<i8")])
"""One still open part of an entry. FIFO: closed from the oldest. `carry`: basis of the entry, or of the last settlement."""

TRADE = np.dtype(
    [
        ("instrument", "<i8"),
        ("entry_ns", "<i8"),
        ("exit_ns", "<i8"),
        ("lots", "<f8"),  # signed as the entry; a fraction only for cash in lieu of a split's fraction
        ("entry_price", "<f8"),  # ticks, slippage included
        ("exit_price", "<f8"),
        ("pnl", "<f8"),  # money, net of fees
        ("fees", "<f8"),
        ("change", "<i8"),  # the row of CHANGE whose fill, split or delisting closed it
    ]
)
"""A closed tax lot: one entry part closed by one exit part. Money is in the instrument's settlement currency."""

MONEY = np.dtype([("cash", "<f8"), ("aside", "<f8"), ("fx_rate", "<f8")])
"""One currency: what we hold of it, what its sum has rounded away, and what one unit is worth in the base currency (NaN: unknown)."""

POINT = np.dtype([("ts_ns", "<i8"), ("cash", "<f8"), ("gross", "<f8"), ("net", "<f8")])
"""One point of the equity curve, in the base currency; equity is cash and net value."""

CHANGE = np.dtype([("ts_ns", "<i8"), ("instrument", "<i8"), ("lots", "<i8"), ("cause", "<i8"), ("fx_rate", "<f8")])
"""A position after it changed: by which order, or BY_SPLIT, BY_DELISTING of `codes`; and the rate of its settlement currency then."""

FLOW = np.dtype([("instrument", "<i8"), ("kind", "<i8"), ("amount", "<f8"), ("fx_rate", "<f8"), ("change", "<i8")])
"""Money that a position brought besides its fills, settlement currency, negative where it was paid: a CHARGE by its cost kind, or
DIVIDEND_PAID of `codes`. `change`: how many rows of CHANGE there were before it."""

COST_TERMS = np.dtype(
    [
        ("maker_rate", "<f8"),  # fraction of notional
        ("taker_rate", "<f8"),
        ("per_unit", "<f8"),  # money per share or coin
        ("per_order", "<f8"),
        ("minimum", "<f8"),  # per order; 0: none
        ("maximum_rate", "<f8"),  # cap per order, fraction of notional; negative: none
        ("half_spread_rate", "<f8"),
        ("impact_coefficient", "<f8"),  # square-root impact; 0: none
        ("volume_share_coefficient", "<f8"),  # 0: none
        ("max_participation", "<f8"),  # share of a bar's volume; 0: no limit
        ("volatility_bars", "<i8"),
        ("limit_needs_through", "<i8"),
        ("queue_model", "<i8"),  # of books told by level: QUEUE_* of `codes`
        ("queue_power", "<f8"),
        ("pushes", "<i8"),  # whose fills push the price, see `impact.py`: PUSHES_* of `codes`
        ("permanent", "<f8"),  # fraction of the price per participation
        ("temporary", "<f8"),
        ("fixed_rate", "<f8"),  # fraction of notional
        ("takes_at_arrival", "<i8"),  # an order takes from the standing book, not from the next message on
    ]
)

TIER = np.dtype([("traded_from", "<f8"), ("maker_rate", "<f8"), ("taker_rate", "<f8")])
"""A row of a fee schedule: the rates from so much traded in the days before, base currency."""

TRADED = np.dtype([("day", "<i8"), ("notional", "<f8")])
"""What was traded on a UTC day, base currency; a ring of the last days."""

CONVERSION = np.dtype([("instrument", "<i8"), ("currency", "<i8"), ("source", "<i8"), ("is_quoted", "<i8")])
"""How the rate of a currency follows from that of another by a pair; `currencies.py`."""

LEVY = np.dtype([("from_ns", "<i8"), ("sec_rate", "<f8"), ("taf_per_share", "<f8"), ("taf_maximum", "<f8")])
"""What US regulators take of a sale from a moment on; see `costs.us_levies`."""

RISK_TERMS = np.dtype(
    [
        ("allow_short", "<i8"),
        ("max_leverage", "<f8"),
        ("max_position_weight", "<f8"),  # 0: no limit
        ("max_order_notional", "<f8"),  # 0: no limit
    ]
)


@dataclass(frozen=True)
class Table:
    """A table of a root: its name, the dtype of a row and how many rows it starts with.

    A table that starts empty (`grows`) is written before it is read, so its memory may hold anything; the others start as zeros.
    """

    name: str
    dtype: np.dtype[np.void]
    rows: int
    grows: bool = True


TRADER_TABLES = (
    Table("terms", TERMS, 1, grows=False),
    Table("books", BOOK, 1, grows=False),
    Table("history", PAST_BAR, 1, grows=False),
    Table("positions", POSITION, 1, grows=False),
    Table("money", MONEY, 1, grows=False),
    Table("tiers", TIER, 1, grows=False),
    Table("traded", TRADED, 1, grows=False),
    Table("levies", LEVY, 1, grows=False),
    Table("conversions", CONVERSION, 1, grows=False),
    Table("decays", DECAY, 1, grows=False),
    Table("volumes", VOLUME, 1, grows=False),
    Table("lots", TAX_LOT, 256),
    Table("orders", ORDER, 256),
    Table("trades", TRADE, 256),
    Table("points", POINT, 4096),
    Table("changes", CHANGE, 256),
    Table("flows", FLOW, 64),
    Table("sessions", SESSION_STATE, 1, grows=False),
    Table("depths", DEPTH_BOOK, 1, grows=False),
    Table("resting", RESTING, 1, grows=False),
    Table("log", EVENT, 8192),
    Table("outbox", EVENT, 256),
)

EXCHANGE_TABLES = (
    Table("orders", ORDER, 256),
    Table("books", VENUE_BOOK, 1, grows=False),
    Table("sessions", SESSION_STATE, 1, grows=False),
    Table("depths", DEPTH_BOOK, 1, grows=False),
    Table("resting", RESTING, 1, grows=False),
    Table("print", EVENT, 1, grows=False),
    Table("displacements", DISPLACEMENT, 1, grows=False),
    Table("traffic", TRAFFIC, 256),
    Table("entry", EVENT, 256),
    Table("response", EVENT, 256),
    Table("turns", TURN, 64),
    Table("kept", EVENT, 16),  # commands that wait for a bar: `kept_commands.py`
)


def _root(
    tables: tuple[Table, ...], fields: list[tuple[str, str] | tuple[str, np.dtype[np.void]] | tuple[str, str, int]]
) -> np.dtype[np.void]:
    words: list[tuple[str, str]] = []
    for table in tables:
        words += [(table.name, "<i8"), (f"{table.name}_count", "<i8"), (f"{table.name}_capacity", "<i8")]
    return np.dtype([*words, ("grow", "<i8"), ("trader", "<i8"), *fields])


TRADER = _root(
    TRADER_TABLES,
    [
        ("apply_answer", "<i8"),  # addresses of compiled units
        ("see_tick", "<i8"),
        ("pass_ticks", "<i8"),  # 0 where the tape has none
        ("catch_up", "<i8"),
        ("advance", "<i8"),
        ("aim_unit", "<i8"),
        ("order_unit", "<i8"),
        ("request", REQUEST),
        ("now_ns", "<i8"),
        ("seen", "<i8"),  # tape events applied since the start
        ("logged", "<i8"),  # of these, how many the log has accounted for
        ("timer_ns", "<i8"),  # the next timer
        ("timer_id", "<i8"),
        ("touched", "<i8"),  # something was written since the housekeeping was last done
        ("dirty", "<i8"),  # since the last point of the equity curve a mark or position moved (1), something was charged (2)
        ("overdrawn", "<i8"),  # points with cash below zero
        ("lowest_cash", "<f8"),
        ("cash", "<f8"),  # of all currencies, base currency; holds while `has_cash` is set
        ("has_cash", "<i8"),
        ("sums_ns", "<i8"),  # the stamp for which the sums below hold, -1: none
        ("summed_ns", "<i8"),  # the stamp for which we or the venue have sums, -1: none
        ("account", "<i8"),  # address of the account as the venue keeps it, 0: there is no venue
        ("is_venues", "<i8"),  # this is that account: it keeps no round trips and no history of positions
        ("is_watched", "<i8"),  # the broker counts the positions of this record
        ("net", "<f8"),
        ("gross", "<f8"),
        ("projected", "<f8"),  # gross exposure if working orders fill; see `approval.py`
        ("has_limits", "<i8"),  # price limits were told
        ("has_margin", "<i8"),  # some instrument asks for margin
        ("has_borrow", "<i8"),  # some instrument costs who is short of it
        ("has_futures", "<i8"),  # some instrument is settled at the close
        ("margined", "<i8"),  # positions that ask for margin, of the record that is watched
        ("mark_moved", "<i8"),  # a mark moved since margin was last looked at
        ("point_interval_ns", "<i8"),
        ("point_ns", "<i8"),  # no point before this stamp
        ("wakes", "<i8"),  # what the strategy waits for: ON_* bits
        ("pending_wake", "<i8"),
        ("noticed", "<i8"),  # log rows whose order wake was delivered
        ("taken", "<i8"),  # log rows in the table that the audit has already
        ("drained", "<i8"),  # log rows that left the table
        ("wake_instrument", "<i8"),
        ("market_instrument", "<i8"),  # the same of the last market wake, for when it had to wait
        ("market_row", "<i8"),
        ("wake_kind", "<i8"),  # kind of the market event
        ("wake_row", "<i8"),  # log row of the order event, or tape row of the market event
        ("free_lot", "<i8"),  # head of the list of free tax lots, -1: none
        ("history_mask", "<i8"),  # ring size less one
        ("base_currency", "<i8"),
        ("levied_currency", "<i8"),
        ("broken", "<i8"),  # why the run cannot go on: BROKE_* of `codes`; 0: it can
        ("broken_order", "<i8"),  # or the number of a table
        ("broken_state", "<i8"),  # or whether that table is the venue's
        ("broken_event", "<i8"),
        ("ambiguous_fills", "<i8"),
        ("ambiguous_pnl", "<f8"),
        ("hook_wake", "<i8"),  # the compiled hook that is running
        ("commands_ns", "<i8"),  # the stamp that `commands` counts at
        ("commands", "<i8"),  # what was ordered at that stamp: orders, cancels and changes, the refused ones too
        ("first_live", "<i8"),  # no order before this one is alive
        ("cost_totals", "<f8", COST_KINDS),
        ("income", "<f8"),  # dividends, base currency
        ("pending_costs", "<f8"),  # expected costs of working orders, base currency
        ("costs", COST_TERMS),
        ("risk", RISK_TERMS),
    ],
)
"""The trader half. `apply` in `apply.py` alone changes it."""

EXCHANGE = _root(
    EXCHANGE_TABLES,
    [
        ("tape", "<i8"),
        ("tape_count", "<i8"),
        ("tape_is_last", "<i8"),  # nothing comes after this chunk
        ("tape_start", "<i8"),  # tape events before this part
        ("until_ns", "<i8"),
        ("entry_head", "<i8"),
        ("response_head", "<i8"),
        ("due_ns", "<i8"),  # the earliest of both wires and the next expiry
        ("expiry_ns", "<i8"),
        ("entry_latency_ns", "<i8"),  # negative: it varies
        ("response_latency_ns", "<i8"),
        ("decision_leg", LEG),
        ("entry_leg", LEG),
        ("response_leg", LEG),
        ("keeps_order", "<i8"),  # no command overtakes another; answers never do
        ("last_arrival_ns", "<i8"),  # of the last command sent
        ("last_told_ns", "<i8"),  # when the last answer sent reaches us
        ("send_command", "<i8"),  # addresses of units, where a latency varies
        ("send_answer", "<i8"),
        ("now_ns", "<i8"),
        ("working", "<i8"),  # orders in the books
        ("account", "<i8"),  # address of the account that the venue judges by; see `bookings.py`
        ("keeps_account", "<i8"),  # it has rows of its own: answers take time
        ("matched", "<i8"),  # bars and quotes before this event of the tape have been matched
        ("is_short_of_money", "<i8"),  # the account cannot carry all that the present moment may add to positions
        ("early", "<i8"),  # EARLY while the broker acts on an event before its hooks are called, else 0
        ("venue_tape", "<i8"),  # where the feed is late: the whole tape, which the venue sees at its own stamps
        ("venue_tape_count", "<i8"),
        ("venue_order", "<i8"),  # its rows in order of these stamps, 0: as they lie
        ("venue_seen", "<i8"),
        ("end_reason", "<i8"),  # not 0: the data are over, everything ends with it
        ("limit_ns", "<i8"),  # how far the venue is to catch up
        ("has_wide_books", "<i8"),  # windows too large for the processor's cache
        ("receive_order", "<i8"),  # addresses of units
        ("venue_tick", "<i8"),
        ("tick", "<i8"),  # address of the event that the venue sees
        ("arrived", "<i8"),  # address of the command that arrives
        ("print_turn", TURN),  # of a trade that is matched as a bar
        ("has_auctions", "<i8"),  # of some instrument prints of auctions are told
        ("has_limits", "<i8"),  # price limits were told
        ("rules", VENUE_RULES),
    ],
)
"""The exchange half and the tape it reads."""

RECORDING = np.dtype(
    [
        ("tape", "<i8"),
        ("tape_count", "<i8"),
        ("records", "<i8"),
        ("records_count", "<i8"),
        ("at", "<i8"),
        ("until_ns", "<i8"),
        ("final", "<i8"),
    ]
)
"""A recorded run to replay: its tape, its audit records, and where the replay stands; `final` marks the part after the end."""


terms_row, book_row, past_bar_row = row_of(TERMS), row_of(BOOK), row_of(PAST_BAR)
position_row, money_row, lot_row = row_of(POSITION), row_of(MONEY), row_of(TAX_LOT)
order_row, trade_row, point_row = row_of(ORDER), row_of(TRADE), row_of(POINT)
change_row, flow_row, event_row = row_of(CHANGE), row_of(FLOW), row_of(EVENT)
tier_row, traded_row, levy_row, conversion_row = row_of(TIER), row_of(TRADED), row_of(LEVY), row_of(CONVERSION)

trader_row, exchange_row = row_of(TRADER), row_of(EXCHANGE)
