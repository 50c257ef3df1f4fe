"""The records that hold all state of the kernel, and the tables they point to.

Two roots: `TraderRoot` (what we know and own) and `ExchangeRoot` (what the simulated venue knows). Each root carries, for every
table, three words: its address, how many rows are used and how many there are; then the address of the function that
grows a table, and that of the trader half. Python owns the memory; compiled code reads and writes rows in place.
"""

from dataclasses import dataclass
from typing import Annotated

from framework.kernel.layout.account_records import Change, Deposit, Flow, Money, OwnerRow, Point, Position, TaxLot, Trade
from framework.kernel.layout.codes import COST_KINDS
from framework.kernel.layout.depth_records import DepthBook, Resting
from framework.kernel.layout.displacement_records import Decay, Displacement, Volume
from framework.kernel.layout.latency_records import LatencyLeg, Traffic
from framework.kernel.layout.market_records import Conversion, Marks, PastBar, Terms
from framework.kernel.layout.request_record import Request
from framework.kernel.layout.rule_records import CostTerms, Levy, RiskTerms, Tier, Traded
from framework.kernel.layout.stance_record import StanceRow
from framework.kernel.layout.venue_records import Listing, SessionHours, Turn, VenueRules
from framework.kernel.machine.compile import row_of
from framework.schema.event import Event
from framework.schema.order import Order
from framework.schema.record import F8, I8, Numbers, Record, dtype_of


@dataclass(frozen=True)
class Table:
    """A table of a root: its row and how many rows it starts with.

    A table that starts empty (`grows`) is written before it is read, so its memory may hold anything; the others start as zeros.
    """

    row: type[Record]
    rows: int
    grows: bool = True


class TraderRoot(Record):
    """The trader half. `apply` in `apply.py` alone changes it."""

    terms: Annotated[I8, Table(Terms, 1, grows=False)]
    terms_count: I8
    terms_capacity: I8
    marks: Annotated[I8, Table(Marks, 1, grows=False)]
    marks_count: I8
    marks_capacity: I8
    history: Annotated[I8, Table(PastBar, 1, grows=False)]
    history_count: I8
    history_capacity: I8
    positions: Annotated[I8, Table(Position, 1, grows=False)]
    positions_count: I8
    positions_capacity: I8
    money: Annotated[I8, Table(Money, 1, grows=False)]
    money_count: I8
    money_capacity: I8
    tiers: Annotated[I8, Table(Tier, 1, grows=False)]
    tiers_count: I8
    tiers_capacity: I8
    traded: Annotated[I8, Table(Traded, 1, grows=False)]
    traded_count: I8
    traded_capacity: I8
    levies: Annotated[I8, Table(Levy, 1, grows=False)]
    levies_count: I8
    levies_capacity: I8
    conversions: Annotated[I8, Table(Conversion, 1, grows=False)]
    conversions_count: I8
    conversions_capacity: I8
    decays: Annotated[I8, Table(Decay, 1, grows=False)]
    decays_count: I8
    decays_capacity: I8
    volumes: Annotated[I8, Table(Volume, 1, grows=False)]
    volumes_count: I8
    volumes_capacity: I8
    lots: Annotated[I8, Table(TaxLot, 256)]
    lots_count: I8
    lots_capacity: I8
    orders: Annotated[I8, Table(Order, 256)]
    orders_count: I8
    orders_capacity: I8
    trades: Annotated[I8, Table(Trade, 256)]
    trades_count: I8
    trades_capacity: I8
    points: Annotated[I8, Table(Point, 4096)]
    points_count: I8
    points_capacity: I8
    changes: Annotated[I8, Table(Change, 256)]
    changes_count: I8
    changes_capacity: I8
    flows: Annotated[I8, Table(Flow, 64)]
    flows_count: I8
    flows_capacity: I8
    sessions: Annotated[I8, Table(SessionHours, 1, grows=False)]
    sessions_count: I8
    sessions_capacity: I8
    depths: Annotated[I8, Table(DepthBook, 1, grows=False)]
    depths_count: I8
    depths_capacity: I8
    resting: Annotated[I8, Table(Resting, 1, grows=False)]
    resting_count: I8
    resting_capacity: I8
    log: Annotated[I8, Table(Event, 8192)]
    log_count: I8
    log_capacity: I8
    outbox: Annotated[I8, Table(Event, 256)]
    outbox_count: I8
    outbox_capacity: I8
    stances: Annotated[I8, Table(StanceRow, 1, grows=False)]  # of the instruments, the account, the firm, the owners
    stances_count: I8
    stances_capacity: I8
    deposits: Annotated[I8, Table(Deposit, 16)]
    deposits_count: I8
    deposits_capacity: I8
    owners: Annotated[I8, Table(OwnerRow, 1, grows=False)]  # of several strategies; none where there is one
    owners_count: I8
    owners_capacity: I8
    grow: I8
    trader: I8
    apply_answer: I8  # addresses of compiled units
    see_tick: I8
    pass_ticks: I8  # 0 where the tape has none
    catch_up: I8
    advance: I8
    aim_unit: I8
    order_unit: I8
    request: Request
    now_ns: I8
    seen: I8  # tape events applied since the start
    logged: I8  # of these, how many the log has accounted for
    timer_ns: I8  # the next timer
    timer_id: I8
    touched: I8  # something was written since the housekeeping was last done
    dirty: I8  # since the last point of the equity curve a mark or position moved (1), something was charged (2)
    overdrawn: I8  # points with cash below zero
    lowest_cash: F8
    cash: F8  # of all currencies, base currency; holds while `has_cash` is set
    has_cash: I8
    sums_ns: I8  # the stamp for which the sums below hold, -1: none
    summed_ns: I8  # the stamp for which we or the venue have sums, -1: none
    account: I8  # address of the account as the venue keeps it, 0: there is no venue
    is_venues: I8  # this is that account: it keeps no round trips and no history of positions
    is_watched: I8  # the broker counts the positions of this record
    net: F8
    gross: F8
    projected: F8  # gross exposure if working orders fill; see `approval.py`
    has_limits: I8  # price limits were announced
    has_margin: I8  # some instrument asks for margin
    has_borrow: I8  # some instrument costs who is short of it
    has_futures: I8  # some instrument is settled at the close
    margined: I8  # positions that ask for margin, of the record that is watched
    mark_moved: I8  # a mark moved since margin was last looked at
    point_interval_ns: I8
    point_ns: I8  # no point before this stamp
    wakes: I8  # what the strategy waits for: ON_* bits
    pending_wake: I8
    noticed: I8  # log rows whose order wake was delivered
    taken: I8  # log rows in the table that the audit has already
    drained: I8  # log rows that left the table
    wake_instrument: I8
    market_instrument: I8  # the same of the last market wake, for when it had to wait
    market_row: I8
    wake_kind: I8  # kind of the market event
    wake_row: I8  # log row of the order event, or tape row of the market event
    free_lot: I8  # head of the list of free tax lots, -1: none
    history_mask: I8  # ring size less one
    base_currency: I8
    levied_currency: I8
    broken: I8  # why the run cannot go on: BROKE_* of `codes`; 0: it can
    broken_order: I8  # of the first impossible answer; or the number of a table
    broken_state: I8  # or whether that table is the venue's
    broken_event: I8  # kind of that answer; or lots
    ambiguous_fills: I8
    ambiguous_pnl: F8
    hook_wake: I8  # the compiled hook that is running
    commands_ns: I8  # the stamp that `commands` counts at
    commands: I8  # what was ordered at that stamp: orders, cancels and changes, the refused ones too
    first_live: I8  # no order before this one is alive
    has_held: I8  # some order was held until its parent fills
    ship: I8  # address of the unit that takes commands out of the outbox, and what it is handed beside the trader half
    connection: I8
    has_stance: I8  # some stance was set, or some order is or was unknown
    owner: I8  # whose orders come now: which of several strategies, 0 to 32,767
    impossible_answers: I8  # how many there were
    alarm: I8  # what was wrong with the first
    firm_gross: F8  # what we were last told of the firm, NaN: nothing yet
    firm_net: F8
    firm_equity: F8
    orders_gone: I8  # of the orders before this one memory holds only those that live, which are linked; see `let_go.py`
    cost_totals: Annotated[Numbers, ("<f8", COST_KINDS)]
    income: F8  # dividends, base currency
    pending_costs: F8  # expected costs of working orders, base currency
    costs: CostTerms
    risk: RiskTerms


class ExchangeRoot(Record):
    """The exchange half and the tape it reads."""

    orders: Annotated[I8, Table(Order, 128, grows=False)]  # a ring: `order_table.py`
    orders_count: I8
    orders_capacity: I8
    listings: Annotated[I8, Table(Listing, 1, grows=False)]
    listings_count: I8
    listings_capacity: I8
    sessions: Annotated[I8, Table(SessionHours, 1, grows=False)]
    sessions_count: I8
    sessions_capacity: I8
    depths: Annotated[I8, Table(DepthBook, 1, grows=False)]
    depths_count: I8
    depths_capacity: I8
    resting: Annotated[I8, Table(Resting, 1, grows=False)]
    resting_count: I8
    resting_capacity: I8
    print: Annotated[I8, Table(Event, 1, grows=False)]
    print_count: I8
    print_capacity: I8
    displacements: Annotated[I8, Table(Displacement, 1, grows=False)]
    displacements_count: I8
    displacements_capacity: I8
    traffic: Annotated[I8, Table(Traffic, 64, grows=False)]  # a hash table
    traffic_count: I8
    traffic_capacity: I8
    order_entry: Annotated[I8, Table(Event, 256)]
    order_entry_count: I8
    order_entry_capacity: I8
    response: Annotated[I8, Table(Event, 256)]
    response_count: I8
    response_capacity: I8
    turns: Annotated[I8, Table(Turn, 64)]
    turns_count: I8
    turns_capacity: I8
    kept: Annotated[I8, Table(Event, 16)]  # commands that wait for a bar: `kept_commands.py`
    kept_count: I8
    kept_capacity: I8
    old_orders: Annotated[I8, Table(Order, 64, grows=False)]  # a hash table of orders whose home another one has
    old_orders_count: I8
    old_orders_capacity: I8
    grow: I8
    trader: I8
    tape: I8
    tape_count: I8
    tape_is_last: I8  # nothing comes after what there is; else the tape is open
    tape_start: I8  # tape events before this part
    until_ns: I8
    order_entry_head: I8
    response_head: I8
    due_ns: I8  # the earliest message on its way and the next expiry
    expiry_ns: I8
    order_entry_latency_ns: I8  # negative: it varies
    response_latency_ns: I8
    decision_leg: LatencyLeg
    order_entry_leg: LatencyLeg
    response_leg: LatencyLeg
    keeps_order: I8  # no command overtakes another; answers never do
    last_arrival_ns: I8  # of the last command sent
    last_answer_ns: I8  # when the last answer sent reaches us
    send_command: I8  # addresses of units, where a latency varies
    send_answer: I8
    now_ns: I8
    working: I8  # working orders of all instruments
    account: I8  # address of the account that the venue judges by; see `bookings.py`
    keeps_account: I8  # it has rows of its own: answers take time
    matched: I8  # bars and quotes before this event of the tape have been matched
    is_short_of_money: I8  # the account cannot carry all that the present moment may add to positions
    early: I8  # EARLY while the broker acts on an event before its hooks are called, else 0
    venue_tape: I8  # where the feed is late: the whole tape, which the venue sees at its own stamps
    venue_tape_count: I8
    venue_order: I8  # its rows in order of these stamps, 0: as they lie
    venue_seen: I8
    end_reason: I8  # not 0: the data are over, everything ends with it
    limit_ns: I8  # how far the venue is to catch up
    has_wide_books: I8  # windows too large for the processor's cache
    receive_order: I8  # addresses of units
    venue_tick: I8
    tick: I8  # address of the event that the venue sees
    arrived: I8  # address of the command that arrives
    print_turn: Turn  # of a trade that is matched as a bar
    has_auctions: I8  # of some instrument prints of auctions are published
    has_limits: I8  # price limits were announced
    safe_ns: I8  # nothing stamped up to here will still come; counts while `tape_is_last` is 0
    asked_until_ns: I8  # how far the replay is to go; `until_ns` is less where that is not safe yet
    rules: VenueRules


Root = TraderRoot | ExchangeRoot
"""Either half, for what both keep."""


class Inbox(Record):
    """What is taken in where no exchange half answers: see `take_in.py`."""

    tape: I8  # address of the events of the market
    tape_count: I8
    tape_start: I8  # events of the tape before these
    answers: I8  # address of what a venue answers, or of a whole record
    answers_count: I8
    at: I8  # the next of the answers
    until_ns: I8
    safe_ns: I8  # nothing stamped up to here will still come
    is_last: I8  # nothing comes after what there is
    is_record: I8  # the answers are the audit of a run, its commands and timers among them
    is_final: I8  # also what happened after the strategy's last hook is taken in


def _tables_of(root: type[Record]) -> dict[str, Table]:
    """The tables of a root by their names."""
    marks = {name: getattr(kind, "__metadata__", ()) for name, kind in root.__annotations__.items()}
    return {name: found for name, mark in marks.items() for found in mark if isinstance(found, Table)}


TRADER, EXCHANGE, INBOX = dtype_of(TraderRoot), dtype_of(ExchangeRoot), dtype_of(Inbox)
TRADER_TABLES, EXCHANGE_TABLES = _tables_of(TraderRoot), _tables_of(ExchangeRoot)

order_row, event_row = row_of(Order), row_of(Event)
trader_row, exchange_row, inbox_row = row_of(TraderRoot), row_of(ExchangeRoot), row_of(Inbox)
