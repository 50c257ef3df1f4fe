"""An opening as the CORRECTION events that a run begins with, checked against the data that it is to run on.

What comes in is valued at the first price that the tape has of it, so that neither what it had made before nor the moment of that price is
a return of the run; strategies see no price before it is there. Where the tape has none, a position is valued at what it has cost.

Fails when: an instrument's first price comes long after the run's start: equity counts it at that price from the start.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from framework.config import Opening, RiskConfig
from framework.config.opening_models import OpeningOrder
from framework.data.tape import Tape
from framework.data.tape.mapped import blocks
from framework.data.tape.survey import survey
from framework.errors import InputError, did_you_mean
from framework.kernel.market.currencies import conversions
from framework.schema.event import EVENT, NO_INSTRUMENT, Correction, Kind, currency_of, currency_word
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.order import OrderType, Reason, TimeInForce
from framework.schema.units import Step

_NOT_HELD = (InstrumentKind.INDEX, InstrumentKind.OPTION)


def opening_events(opening: Opening, tape: Tape, currency: str, risk: RiskConfig) -> NDArray[np.void]:
    """The events of an opening, all at the stamp of the tape's first event: cash, positions, orders.

    Args:
        currency: the account's.
        risk: whether anything may be short.

    Raises:
        InputError: a symbol that is not on the tape, a currency that nothing there converts, a quantity or price off its step, a short
            that is not allowed.
    """
    held = {symbol: _instrument(tape, symbol, f"opening.positions names {symbol!r}") for symbol in sorted(opening.positions)}
    pairs = {i.symbol for i in tape.instruments if i.kind is InstrumentKind.FX}
    first = first_prices(tape, [tape.index(symbol) for symbol in sorted({*held, *pairs})])
    rates = _rates(tape, currency, first)
    start_ns = int(tape.events["ts_local_ns"][0])
    rows: list[tuple[int, ...]] = []
    for name in sorted({*opening.cash, *(i.settlement_currency for i in held.values())}):
        if name not in rates:
            raise InputError(
                f"opening: {name} in an account in {currency}, and no currency pair of the data converts it; rule: what is held has a "
                f"value. Add a pair of them, such as {name}{currency}, to the data"
            )
        amount = float(opening.cash.get(name, 0.0))
        if amount != 0.0 or name != currency:
            rows.append((NO_INSTRUMENT, Correction.CASH, currency_word(name), 0, _bits(rates[name]), _bits(amount), Reason.OPENING))
    for symbol, instrument in held.items():
        rows.append(_position(opening, tape, symbol, instrument, first, risk))
    for number, order in enumerate(opening.orders):
        rows.append(_order(opening, tape, number, order, risk))
    events = np.zeros(len(rows), dtype=EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = start_ns
    events["kind"] = Kind.CORRECTION
    for event, row in zip(events, rows, strict=True):
        event["instrument"], event["flags"], event["w0"], event["w1"], event["w2"], event["w3"], event["w4"] = row
    return events


def _bits(value: float) -> int:
    return int(np.float64(value).view(np.int64))


def _instrument(tape: Tape, symbol: str, what: str) -> Instrument:
    known = {instrument.symbol: instrument for instrument in tape.instruments}
    if symbol not in known:
        raise InputError(f"{what}, which is not in the data. {did_you_mean(symbol, known)}")
    if known[symbol].kind in _NOT_HELD:
        raise InputError(f"{what}, of kind {known[symbol].kind.name}; rule: what is held or ordered can be traded. Leave it out")
    return known[symbol]


def _whole(step: Step, value: float, what: str, unit: str) -> int:
    steps = step.exactly(value)
    if steps is None:
        near = step.to_float(step.nearest(value)) if abs(value) < 1e15 else 0.0
        raise InputError(f"{what}: {value:.15g}; rule: a whole number of {unit}s of {step.size:.15g}. The nearest is {near:.15g}")
    return steps


def _position(
    opening: Opening, tape: Tape, symbol: str, instrument: Instrument, first: dict[int, float], risk: RiskConfig
) -> tuple[int, ...]:
    quantity, cost = opening.positions[symbol]
    what = f"opening.positions[{symbol!r}]"
    lots = _whole(instrument.lot, quantity, what, "lot")
    if lots < 0 and not risk.allow_short:
        raise InputError(f"{what}: {quantity:.15g} with risk.allow_short False; rule: at least 0. Set risk={{'allow_short': True}}")
    ticks = cost / instrument.tick.size
    number = tape.index(symbol)
    return number, Correction.POSITION, lots, 0, _bits(first.get(number, ticks)), _bits(ticks), Reason.OPENING


def _order(opening: Opening, tape: Tape, number: int, order: OpeningOrder, risk: RiskConfig) -> tuple[int, ...]:
    what = f"opening.orders[{number}]"
    instrument = _instrument(tape, order.instrument, f"{what} is in {order.instrument!r}")
    lots = _whole(instrument.lot, order.quantity, f"{what}.quantity", "lot")
    limit = 0 if order.limit is None else _whole(instrument.tick, order.limit, f"{what}.limit", "tick")
    stop = 0 if order.stop is None else _whole(instrument.tick, order.stop, f"{what}.stop", "tick")
    if lots == 0 or (order.limit is not None and limit == 0) or (order.stop is not None and stop == 0):
        raise InputError(f"{what}: {lots} lots, limit {limit} and stop {stop} ticks; rule: at least 1 of each that it has")
    if order.side == "SELL" and not risk.allow_short:
        held = opening.positions.get(order.instrument, (0.0, 0.0))[0]
        sold = sum(o.quantity for o in opening.orders[: number + 1] if o.instrument == order.instrument and o.side == "SELL")
        if sold > held:
            raise InputError(
                f"{what}: {sold:.15g} {order.instrument} to be sold of {held:.15g} held, with risk.allow_short False; rule: at most what "
                "is held. Order less, or set risk={'allow_short': True}"
            )
    kind = OrderType.LIMIT if stop == 0 else (OrderType.STOP if limit == 0 else OrderType.STOP_LIMIT)
    packed = int(kind) | int(TimeInForce[order.time_in_force]) << 8 | int(order.side == "SELL") << 40
    return tape.index(order.instrument), Correction.ORDER_FOUND, number, packed, lots, limit, stop


def first_prices(tape: Tape, numbers: Iterable[int]) -> dict[int, float]:
    """The first price of each instrument, in ticks: the open of a bar, mid of a quote, a trade or mark; left out without one."""
    wanted, found = set(numbers), dict[int, float]()
    for rows in blocks(tape.events):
        for number in sorted(wanted - found.keys()):
            mine = rows[rows["instrument"] == number]
            kinds = mine["kind"]
            two_sided = (kinds == Kind.QUOTE) & (mine["w0"] > 0) & (mine["w1"] > 0)
            tells = np.flatnonzero(two_sided | np.isin(kinds, (Kind.BAR, Kind.TRADE, Kind.MARK_PRICE)))
            if len(tells):
                row = mine[tells[0]]
                found[number] = float(row["w0"] + row["w1"]) / 2.0 if row["kind"] == Kind.QUOTE else float(row["w0"])
        if wanted <= found.keys():
            break
    return {number: ticks for number, ticks in found.items() if ticks > 0 and math.isfinite(ticks)}


def check_cash(tape: Tape, currency: str) -> None:
    """Refuse cash that comes in while nobody knows what it is worth: every level of the equity would be unknown.

    Raises:
        InputError: with the currency, the stamp and the first stamp of its rate.
    """
    moved = survey(tape).cash
    if not len(moved):
        return
    currencies = list(dict.fromkeys((currency, *tape.currencies)))
    since = {currency: int(tape.events["ts_local_ns"][0])}
    for pair, place, source, _ in conversions(tape.instruments, currencies, currency):
        stamps = tape.events["ts_local_ns"][tape.events["instrument"] == pair]
        if len(stamps) and currencies[source] in since:
            since[currencies[place]] = max(since[currencies[source]], int(stamps[0]))
    for event in moved:
        name, stamp = currency_of(int(event["w0"])), int(event["ts_local_ns"])
        rate = np.int64(event["w4" if event["kind"] == Kind.TRANSFER else "w2"]).view(np.float64)
        if name not in currencies:
            raise InputError(
                f"{Kind(int(event['kind'])).name} at {np.datetime64(stamp, 'ns')}Z of {name}; rule: a currency of the run, one "
                f"of {', '.join(currencies)}. Add a pair that converts it to the data"
            )
        if not rate > 0.0 and since.get(name, stamp + 1) > stamp:
            raise InputError(
                f"{Kind(int(event['kind'])).name} at {np.datetime64(stamp, 'ns')}Z of {name}, whose rate in {currency} is not known then; "
                "rule: what comes in has a value. Give the event a rate, or let the data of the pair begin before it"
            )


def _rates(tape: Tape, currency: str, first: dict[int, float]) -> dict[str, float]:
    """What one unit of each currency is worth by the first prices of the pairs."""
    currencies = list(dict.fromkeys((currency, *tape.currencies)))
    rates = {currency: 1.0}
    for pair, place, source, is_quoted in conversions(tape.instruments, currencies, currency):
        if pair in first and currencies[source] in rates:
            price = first[pair] * tape.instruments[pair].tick.size
            rates[currencies[place]] = rates[currencies[source]] / price if is_quoted else rates[currencies[source]] * price
    return rates
