"""The bars and quotes of one stamp, matched together: for the venue they are one moment.

They are matched before anybody sees one of them, by the marks and rates from before: no price of the stamp has a say in what can be
paid at another one's open. Each step is gone through for all instruments before the next one begins:

    open, stops inside, liquidation inside, limits inside, exits of what has filled, close

so that what is bought at an open can be paid with what is sold at an open of the same stamp, and not with what is sold later in a bar.
Where the account could not carry all that the stamp may add to positions, a step begins with what only reduces one; what adds
follows in the order in which it was sent, whatever the instruments are called. A quote is matched at the step of the opens.

An event of the same stamp that changes an instrument or its venue, such as a session's end, a split or a halt, parts the moment.

Assumptions: inside bars of one stamp what reduces a position comes before what adds to one.
Fails when: the money for a purchase inside a bar came only from a sale later in the same bar.
"""

from __future__ import annotations

from framework.kernel.account.positions import position_of, rate_of
from framework.kernel.layout.codes import BAR, DELIST, DIVIDEND, FUNDING, HALT, O_REDUCE_ONLY, PRICE_LIMITS, QUOTE, SESSION, SPLIT
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row
from framework.kernel.layout.table_room import TURNS, has_row
from framework.kernel.layout.venue_records import Turn, turn_row
from framework.kernel.machine.compile import inlined, kernel, outlined
from framework.kernel.market.costs import planned_cost
from framework.kernel.market.lifecycle import leaves
from framework.kernel.market.marks import terms_of
from framework.kernel.market.money import notional_of
from framework.kernel.market.order_book import depth_of
from framework.kernel.market.order_rows import is_done
from framework.kernel.market.priority import BEFORE_ALL, CLOSE, LIMITS, OPEN, STOPS
from framework.kernel.market.valuation import HELD, cash_value, initial_needed
from framework.kernel.venue.bookings import account_of, summed_account
from framework.kernel.venue.commands import listing_of
from framework.kernel.venue.exits import match_exits
from framework.kernel.venue.liquidation import enforce_inside
from framework.kernel.venue.matching_bars import (
    act,
    after_close,
    after_limits,
    after_open,
    begin_bar,
    end_bar,
    match_alone,
    match_close,
    next_in_turn,
    step_through,
)
from framework.kernel.venue.matching_quotes import match_quote
from framework.kernel.venue.order_table import order_of
from framework.schema.event import Event
from framework.schema.order import Order

_NO_INSTRUMENT = -1


@kernel
def _meets_us(t: TraderRoot, x: ExchangeRoot, event: Event) -> bool:
    """Whether a bar or quote does something for an order of ours, or is to be judged by its worst price."""
    if listing_of(x, event.instrument).first >= 0:
        return True
    if t.margined == 0 or event.kind != BAR:
        return False
    return terms_of(t, event.instrument).is_margined != 0 and position_of(account_of(x), event.instrument).lots != 0


@inlined
def _parts(kind: int) -> bool:
    """Whether an event changes an instrument or its venue, so that what follows at its stamp is another moment."""
    return kind in (HALT, PRICE_LIMITS, SESSION, SPLIT, DIVIDEND, DELIST, FUNDING)


@inlined
def _note_turn(t: TraderRoot, x: ExchangeRoot, event: Event, row: int) -> None:
    if _meets_us(t, x, event) and has_row(x, x.turns_count, x.turns_capacity, TURNS):
        turn_row(x.turns, x.turns_count).row = row
        x.turns_count += 1


@outlined
def _collect_several(t: TraderRoot, x: ExchangeRoot, first: int) -> int:
    """Note the turns of a stamp; returns the row of the tape that they end before."""
    row, stamp_ns = first, event_row(x.tape, first).ts_local_ns
    while row < x.tape_count:
        event = event_row(x.tape, row)
        kind = event.kind
        if event.ts_local_ns != stamp_ns:
            break
        if kind == BAR or kind == QUOTE:
            _note_turn(t, x, event, row)
        elif _parts(kind):
            break
        row += 1
    return int(row)


@inlined
def collect_turns(t: TraderRoot, x: ExchangeRoot) -> int:
    """Note the bars and quotes of the present moment that meet something of ours; returns how many."""
    row = t.seen - x.tape_start
    event = event_row(x.tape, row)
    x.turns_count = 0
    if row + 1 < x.tape_count and event_row(x.tape, row + 1).ts_local_ns == event.ts_local_ns:
        x.matched = x.tape_start + _collect_several(t, x, row)
    else:
        _note_turn(t, x, event, row)
        x.matched = t.seen + 1
    t.now_ns = event.ts_local_ns
    return int(x.turns_count)


@kernel
def _adds(account: TraderRoot, order: Order) -> bool:
    """Whether a fill of an order's rest would add to the position."""
    held = position_of(account, order.instrument).lots
    return order.flags & O_REDUCE_ONLY == 0 and (held * order.side >= 0 or leaves(order) > abs(held))


@kernel
def _adding_lots(account: TraderRoot, order: Order) -> int:
    held = position_of(account, order.instrument).lots
    if is_done(order) or order.flags & O_REDUCE_ONLY:
        return 0
    return int(leaves(order) if held * order.side >= 0 else max(leaves(order) - abs(held), 0))


@outlined
def _is_short_of_money(t: TraderRoot, x: ExchangeRoot) -> bool:
    """Whether the account cannot carry all that the moment may add to positions: at the open, or at the limit where that is worse."""
    account = summed_account(t, x)
    equity = cash_value(account) + account.net
    room, margin_room = t.risk.max_leverage * equity - account.gross, equity - initial_needed(account, _NO_INSTRUMENT, HELD)
    for k in range(x.turns_count):
        event = event_row(x.tape, turn_row(x.turns, k).row)
        at = listing_of(x, event.instrument).first
        while at >= 0:
            order = order_of(x, at)
            at = order.next_working
            lots = _adding_lots(account, order)
            if lots == 0:
                continue
            ticks = event.w1 if event.kind == QUOTE and order.side > 0 else event.w0
            if order.limit_ticks > 0:
                reached = event.w2 if order.side > 0 else event.w1
                if event.kind == BAR and (order.limit_ticks - reached) * order.side < 0:
                    continue  # the bar does not come to its limit
                ticks = max(ticks, order.limit_ticks)
            terms = terms_of(t, event.instrument)
            rate = rate_of(t, terms.currency)
            notional = notional_of(terms, lots, ticks) * rate
            cost = planned_cost(t, event.instrument, float(lots), float(ticks)) * rate
            room -= notional + t.risk.max_leverage * cost
            margin_room -= notional * terms.initial_margin + cost
    return not (room >= 0.0 and margin_room >= 0.0)  # where a rate is not known too


@kernel
def _first_adding(t: TraderRoot, x: ExchangeRoot, event: Event) -> int:
    """The first order of a quote's instrument that adds to the position, -1 where there is none or a book beside fills them."""
    if depth_of(x, event.instrument).bids != 0:
        return -1
    at = listing_of(x, event.instrument).first
    while at >= 0:
        order = order_of(x, at)
        if not is_done(order) and _adds(account_of(x), order):
            return int(at)
        at = order.next_working
    return -1


@inlined
def _is_bar(x: ExchangeRoot, turn: Turn) -> bool:
    return event_row(x.tape, turn.row).kind == BAR


@inlined
def _come_to(x: ExchangeRoot, turn: Turn) -> Event:
    """The event of a turn, whose stamp becomes the venue's."""
    event = event_row(x.tape, turn.row)
    x.now_ns = event.ts_venue_ns
    return event


@kernel
def _go_on(t: TraderRoot, x: ExchangeRoot, turn: Turn, step: int) -> bool:
    """Go on with a turn's step while orders only reduce; whether it has come to one that adds, which `turn.order_id` then names."""
    event = _come_to(x, turn)
    if event.kind == QUOTE:
        turn.order_id = _first_adding(t, x, event)
        if turn.order_id < 0:
            match_quote(t, x, event)
        return turn.order_id >= 0
    while True:
        rank, at = next_in_turn(t, x, event, turn, step, turn.rank, turn.order_id)
        turn.rank, turn.order_id = rank, at
        if at < 0 or _adds(account_of(x), order_of(x, at)):
            return at >= 0
        act(t, x, order_of(x, at), event, turn, step)


@kernel
def _let_add(t: TraderRoot, x: ExchangeRoot, turn: Turn, step: int) -> bool:
    """Let the order act that a turn has come to, and go on; whether it has come to a next one that adds."""
    event = _come_to(x, turn)
    if event.kind == QUOTE:
        match_quote(t, x, event)
        return False
    act(t, x, order_of(x, turn.order_id), event, turn, step)
    return _go_on(t, x, turn, step)


@kernel
def _takes_step(x: ExchangeRoot, turn: Turn, step: int) -> bool:
    if event_row(x.tape, turn.row).kind == QUOTE:
        return step == OPEN
    return turn.is_trading != 0 and (step != CLOSE or turn.is_closing != 0)


@outlined
def _in_order_sent(t: TraderRoot, x: ExchangeRoot, step: int) -> None:
    """A step of all turns: first what only reduces, then what adds in the order in which it was sent."""
    first, last = -1, -1
    for k in range(x.turns_count):
        turn = turn_row(x.turns, k)
        turn.rank, turn.order_id = BEFORE_ALL, -1
        if _takes_step(x, turn, step) and _go_on(t, x, turn, step):
            first, last = _lined_up(x, k, first, last)
    while first >= 0:
        k = first
        turn = turn_row(x.turns, k)
        first = turn.behind
        if first < 0:
            last = -1
        if _let_add(t, x, turn, step):
            first, last = _lined_up(x, k, first, last)


@kernel
def _lined_up(x: ExchangeRoot, k: int, first: int, last: int) -> tuple[int, int]:
    """(first, last) of the line after turn `k` has joined it behind those whose orders were sent before."""
    turn = turn_row(x.turns, k)
    if last >= 0 and turn_row(x.turns, last).order_id <= turn.order_id:
        turn_row(x.turns, last).behind, turn.behind = k, -1
        return first, k
    before, at = -1, first
    while at >= 0 and turn_row(x.turns, at).order_id <= turn.order_id:
        before, at = at, turn_row(x.turns, at).behind
    turn.behind = at
    if before >= 0:
        turn_row(x.turns, before).behind = k
    return (first if before >= 0 else k), (last if at >= 0 else k)


@kernel
def _step(t: TraderRoot, x: ExchangeRoot, step: int) -> None:
    if x.is_short_of_money != 0:
        _in_order_sent(t, x, step)
        return
    for k in range(x.turns_count):
        turn = turn_row(x.turns, k)
        if _takes_step(x, turn, step):
            event = _come_to(x, turn)
            if event.kind == QUOTE:
                match_quote(t, x, event)
            else:
                step_through(t, x, event, turn, step)


@outlined
def match_together(t: TraderRoot, x: ExchangeRoot) -> None:
    """Match several bars and quotes of one moment, up to the close."""
    for k in range(x.turns_count):
        turn = turn_row(x.turns, k)
        event = _come_to(x, turn)
        if event.kind == BAR:
            begin_bar(t, x, event, turn)
    x.is_short_of_money = _is_short_of_money(t, x)
    _step(t, x, OPEN)
    for k in range(x.turns_count):
        turn = turn_row(x.turns, k)
        if _takes_step(x, turn, STOPS):
            after_open(t, x, _come_to(x, turn), turn)
    _step(t, x, STOPS)
    if t.margined != 0:
        judge_worst(t, x)
    _step(t, x, LIMITS)
    for k in range(x.turns_count):
        turn = turn_row(x.turns, k)
        if _is_bar(x, turn):
            event = _come_to(x, turn)
            if turn.is_trading != 0:
                after_limits(t, x, event, turn)
            end_bar(t, x, event, turn)


@outlined
def close_together(t: TraderRoot, x: ExchangeRoot) -> None:
    """The close of several bars of one moment."""
    _step(t, x, CLOSE)
    for k in range(x.turns_count):
        turn = turn_row(x.turns, k)
        if _takes_step(x, turn, CLOSE):
            after_close(t, x, _come_to(x, turn))


@outlined
def judge_worst(t: TraderRoot, x: ExchangeRoot) -> None:
    """Judge the bars of the moment by their worst prices."""
    for k in range(x.turns_count):
        turn = turn_row(x.turns, k)
        if _is_bar(x, turn):
            enforce_inside(t, x, _come_to(x, turn), turn)


@inlined
def match_moment(t: TraderRoot, x: ExchangeRoot) -> None:
    """Match the bars and quotes of the moment, up to the close."""
    if x.turns_count > 1:
        match_together(t, x)
        return
    turn = turn_row(x.turns, 0)
    event = _come_to(x, turn)
    if event.kind == QUOTE:
        match_quote(t, x, event)
        return
    begin_bar(t, x, event, turn)
    if turn.is_trading != 0:
        match_alone(t, x, event, turn)
    end_bar(t, x, event, turn)


@inlined
def match_exits_of_moment(t: TraderRoot, x: ExchangeRoot) -> None:
    """What has come for entries that the moment filled meets the rest of their bars."""
    for k in range(x.turns_count):
        turn = turn_row(x.turns, k)
        if _is_bar(x, turn) and listing_of(x, event_row(x.tape, turn.row).instrument).first >= 0:
            match_exits(t, x, _come_to(x, turn), turn)


@inlined
def close_moment(t: TraderRoot, x: ExchangeRoot) -> None:
    """Bars that end their session fill what is for the close, after the exits of what they filled."""
    if x.turns_count > 1:
        close_together(t, x)
        return
    turn = turn_row(x.turns, 0)
    event = event_row(x.tape, turn.row)
    if _takes_step(x, turn, CLOSE) and listing_of(x, event.instrument).first >= 0:
        match_close(t, x, event, turn)
