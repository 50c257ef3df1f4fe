"""What must not matter: an instrument nobody trades, the order of registration, how the tape is cut, the date, the unit of money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from framework.config import CostsConfig, Opening, RecordedLatency
from framework.config.impact_models import Push
from framework.data.reference.calendar import BARS, is_bars
from framework.data.tape import Tape
from framework.data.tape.assembly import assemble
from framework.engine.strategy import Strategy
from framework.engine.view import View
from framework.engine.world import Decision, WakeKind
from framework.prove.trial import Events, Progress, Trial, decisions, with_events
from framework.prove.verdict import Verdict, first_difference
from framework.prove.wrapped import Wrapped
from framework.schema.event import NO_INSTRUMENT, Correction, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import NANOSECONDS_PER_DAY, Step

_STRANGERS = ("~irrelevant", "!irrelevant")  # sorted after and before every usual symbol
_WALK = 0.03
_SCALE = 2
_IMITATED = (Kind.BAR, Kind.QUOTE, Kind.TRADE, Kind.DEPTH, Kind.GAP)


def irrelevant_instrument(trial: Trial, base: Events, progress: Progress) -> Verdict:
    """Add an instrument that the strategy does not trade; every record must stay."""
    name = "irrelevant_instrument"
    if not trial.subject.knows_universe and not trial.is_named:
        return Verdict(name, None, "it trades whatever is on the tape; name instruments, or give it a parameter `universe`")
    original = next((i for i in range(len(trial.tape.instruments)) if len(_market_of(trial.tape, i)) > 2), None)
    if original is None:
        return Verdict(name, None, "no instrument has bars, quotes, trades or a book to imitate")
    for number, symbol in enumerate(_STRANGERS):
        progress(name, number, len(_STRANGERS))
        tape = _with_stranger(trial, original, symbol)
        place = tape.index(symbol)
        strategy = trial.subject.build(_known(trial, tape, symbol), in_python=not trial.subject.knows_universe)
        if not trial.subject.knows_universe:
            if strategy.uses_numbers and place == 0:
                continue  # it would move every number that the strategy knows
            strategy = Blinkered.like(strategy)(strategy, place)
        settings = replace(trial.settings, costs=_costs_with(trial, original, symbol))
        found = replace(trial, settings=settings).records(strategy, tape).copy()
        found["instrument"] -= ((found["instrument"] > place) & (found["instrument"] != NO_INSTRUMENT)).astype(np.uint32)
        pair = first_difference(base, found, trial.tape.instruments, f"an instrument {symbol!r} that it does not trade was added")
        if pair is not None:
            return Verdict(name, False, "an instrument nobody trades changes the run", pair[1])
    return Verdict(name, True, f"added before and after the others: all {len(base)} records are the same")


def registration_order(trial: Trial, base: Events, progress: Progress) -> Verdict:
    """Give instruments in another order, to the tape and to the strategy."""
    name, count = "registration_order", len(trial.tape.instruments)
    if count < 2:
        return Verdict(name, None, "there is one instrument")
    market = trial.tape.events[trial.tape.events["kind"] != Kind.SESSION]
    draw = np.random.default_rng([trial.settings.seed, 1])
    orders = [list(range(count))[::-1], draw.permutation(count).tolist()]
    for number, order in enumerate(orders):
        progress(name, number, len(orders))
        pieces = [market[market["instrument"] == k] for k in (*order, NO_INSTRUMENT)]
        tape = assemble(trial.tape.instruments, [piece for piece in pieces if len(piece)], name=trial.tape.name, notes=())
        frames = trial.frames(tape)
        symbols = [trial.tape.instruments[k].symbol for k in order]
        found = trial.run(tape, frames={symbol: frames[symbol] for symbol in symbols if symbol in frames})
        pair = first_difference(base, found, trial.tape.instruments, f"the instruments came in the order {', '.join(symbols[:5])}")
        if pair is not None:
            return Verdict(name, False, "the order of registration changes the run", pair[1])
    return Verdict(name, True, f"all {len(base)} records are the same in {len(orders)} other orders")


def tape_split(trial: Trial, base: Events, progress: Progress) -> Verdict:
    """Replay the tape in parts."""
    name = "tape_split"
    draw = np.random.default_rng([trial.settings.seed, 2])
    sizes = [1, *sorted(draw.integers(2, max(len(trial.tape.events) // 2, 3), 3).tolist())]
    for number, size in enumerate(sizes):
        progress(name, number, len(sizes))
        pair = first_difference(base, trial.run(chunk_events=size), trial.tape.instruments, f"the tape came in parts of {size} events")
        if pair is not None:
            return Verdict(name, False, "how the tape is cut changes the run", pair[1])
    return Verdict(name, True, f"all {len(base)} records are the same in parts of {', '.join(map(str, sizes))} events")


def time_shift(trial: Trial, base: Events, progress: Progress) -> Verdict:
    """Move everything by a day, by a week where an exchange's calendar counts."""
    name = "time_shift"
    latency = trial.settings.latency
    drawn = [leg for leg in ("decision_ns", "entry_ns", "response_ns") if _goes_by_the_clock(getattr(latency, leg), leg, base)]
    if drawn:
        return Verdict(name, None, f"{', '.join(f'latency.{leg}' for leg in drawn)} go by the time of day or are drawn by stamp")
    trial = trial.at_local_stamps()
    progress(name, 0, 1)
    days = 1 if all(is_bars(calendar) or calendar in ("24/7", BARS) for calendar in trial.tape.calendars) else 7
    step = days * NANOSECONDS_PER_DAY
    events = trial.tape.events.copy()
    events["ts_local_ns"] += step
    events["ts_venue_ns"] += step
    is_session = events["kind"] == Kind.SESSION
    for word in ("w1", "w2"):
        events[word][is_session] += step
    found = trial.run(with_events(trial.tape, events)).copy()
    for stamp in ("ts_local_ns", "ts_venue_ns"):
        found[stamp] -= step
    expiring = (found["kind"] == Kind.ORDER_TERMS) & (found["w2"] != 0)
    found["w2"][expiring] -= step
    change = f"everything happened {days} day{'s' if days > 1 else ''} later"
    pair = first_difference(base, found, trial.tape.instruments, change)
    if pair is None:
        return Verdict(name, True, f"all {len(base)} records are the same when {change}")
    if trial.subject.reads_clock():
        return Verdict(name, None, f"it decides by the calendar: {pair[1]}")
    return Verdict(name, False, "the date changes the run, though its code does not ask for it", pair[1])


def price_scale(trial: Trial, base: Events, progress: Progress) -> Verdict:
    """Count prices and cash in halves of the unit: every number of money doubles, no decision changes."""
    name, costs = "price_scale", trial.settings.costs
    absolute = [word for word in ("fee_per_share", "fee_per_order", "fee_minimum") if getattr(costs, word)]
    absolute += ["max_order_notional"] if trial.settings.risk.max_order_notional else []
    if absolute:
        return Verdict(name, None, f"{', '.join(absolute)} in money, so a trade's cost is not proportional to its value")
    if set(trial.tape.currencies) != {trial.settings.currency}:
        return Verdict(name, None, f"several currencies: {', '.join(sorted({*trial.tape.currencies, trial.settings.currency}))}")
    progress(name, 0, 1)
    instruments = tuple(replace(i, tick=Step(i.tick.numerator * _SCALE, i.tick.denominator)) for i in trial.tape.instruments)
    events = trial.tape.events.copy()
    events["w0"][events["kind"] == Kind.DIVIDEND] *= _SCALE
    _scale_cash(events)
    tape = with_events(replace(trial.tape, instruments=instruments), events)
    settings = replace(trial.settings, cash=trial.settings.cash * _SCALE, opening=_scaled(trial.settings.opening))
    found = replace(trial, tape=tape, settings=settings).run()
    expected, found = (_without_money(decisions(records)) for records in (base, found))
    pair = first_difference(expected, found, trial.tape.instruments, f"prices and cash were multiplied by {_SCALE}")
    if pair is None:
        return Verdict(name, True, f"all {len(expected)} decisions are the same at {_SCALE} times the price and cash")
    submits = expected[expected["kind"] == Kind.ORDER_SUBMIT]
    if np.any(submits["w3"]) or np.any(submits["w4"]) or np.any(expected["kind"] == Kind.ORDER_TERMS):
        return Verdict(name, None, f"its orders name prices, which it may round to a grid of its own: {pair[1]}")
    return Verdict(name, False, "it depends on the unit of prices: an absolute price or amount of money, or a leak of the scale", pair[1])


def _scale_cash(events: Events) -> None:
    """Count cash that is moved or corrected in halves; units are booked in ticks."""
    is_paid = (events["kind"] == Kind.TRANSFER) & (events["instrument"] == NO_INSTRUMENT)
    is_corrected = (events["kind"] == Kind.CORRECTION) & (events["flags"] == Correction.CASH)
    for word, mine in (("w1", is_paid), ("w3", is_corrected)):
        events[word][mine] = (np.ascontiguousarray(events[word][mine]).view(np.float64) * _SCALE).view(np.int64)


def _scaled(opening: Opening | None) -> Opening | None:
    if opening is None:
        return None
    orders = [
        order.model_copy(update={name: price and price * _SCALE for name, price in (("limit", order.limit), ("stop", order.stop))})
        for order in opening.orders
    ]
    cash = {name: amount * _SCALE for name, amount in opening.cash.items()}
    positions = {name: (quantity, cost * _SCALE) for name, (quantity, cost) in opening.positions.items()}
    return opening.model_copy(update={"cash": cash, "positions": positions, "orders": tuple(orders)})


def _without_money(records: Events) -> Events:
    """Refusals tell how much was needed and there; money doubles."""
    made: Events = records.copy()
    refused = made["kind"] == Kind.ORDER_REFUSED
    for word in ("w2", "w3"):
        made[word][refused] = 0
    return made


def _goes_by_the_clock(leg: object, name: str, base: Events) -> bool:
    """Whether a latency depends on the date: it was recorded, or draws are keyed by stamps."""
    if isinstance(leg, int):
        return False
    by_stamp = name == "decision_ns" or (name == "response_ns" and bool((base["kind"] == Kind.CHARGE).any()))
    return by_stamp or isinstance(leg, RecordedLatency)


def _market_of(tape: Tape, number: int) -> Events:
    """Bars, quotes, trades and changes of the book of one instrument."""
    events: Events = tape.events[(tape.events["instrument"] == number) & np.isin(tape.events["kind"], _IMITATED)]
    return events


def _costs_with(trial: Trial, original: int, symbol: str) -> CostsConfig:
    """Costs that know the stranger: whoever must be named with a daily volume has that of the original."""
    impact = trial.settings.costs.impact
    if not isinstance(impact, Push) or not isinstance(impact.daily_volume, dict):
        return trial.settings.costs
    volumes = {**impact.daily_volume, symbol: impact.daily_volume[trial.tape.instruments[original].symbol]}
    return trial.settings.costs.model_copy(update={"impact": impact.model_copy(update={"daily_volume": volumes})})


def _with_stranger(trial: Trial, original: int, symbol: str) -> Tape:
    """The tape and a further instrument: bars stand where another's do, ticks there or between, and prices wander on their own."""
    market = trial.tape.events[trial.tape.events["kind"] != Kind.SESSION].copy()
    draw = np.random.default_rng([trial.settings.seed, 3])
    foreign = _market_of(trial.tape, original)[:-1].copy()  # shorter: it must not lead a calendar
    bars = np.flatnonzero(foreign["kind"] == Kind.BAR)
    walk = np.exp(np.cumsum(draw.normal(0.0, _WALK, len(bars))))
    for word in ("w0", "w1", "w2", "w3"):
        foreign[word][bars] = np.maximum(np.rint(foreign[word][bars] * walk), 1).astype(np.int64)
    if len(bars) < len(foreign):
        _wander(foreign, draw)
    stranger: Instrument = replace(trial.tape.instruments[original], symbol=symbol)
    instruments = sorted([*trial.tape.instruments, stranger], key=lambda instrument: instrument.symbol)
    place = instruments.index(stranger)
    market["instrument"] += ((market["instrument"] >= place) & (market["instrument"] != NO_INSTRUMENT)).astype(np.uint32)
    foreign["instrument"] = place
    return assemble(instruments, [market, foreign], name=trial.tape.name, notes=())


def _wander(events: Events, draw: np.random.Generator) -> None:
    """Give ticks sizes and prices of their own; some keep their stamps, some happen between, none before another of theirs."""
    ticks = np.flatnonzero(events["kind"] != Kind.BAR)
    kinds, away = events["kind"][ticks], int(draw.integers(3, 100))
    for kind, prices, sizes in ((Kind.QUOTE, ("w0", "w1"), ("w2", "w3")), (Kind.TRADE, ("w0",), ("w1",)), (Kind.DEPTH, ("w0",), ("w1",))):
        rows = ticks[kinds == kind]
        for word in prices:
            events[word][rows] += np.where(events[word][rows] > 0, away, 0)
        for word in sizes:
            events[word][rows] *= draw.integers(1, 4, len(rows))
    stamps = events["ts_local_ns"][ticks]
    later = np.where(draw.random(len(ticks)) < 0.5, np.diff(stamps, append=stamps[-1]) // 2, 0)
    later = np.where(np.isin(kinds, (Kind.QUOTE, Kind.BAR)), 0, later)
    events["ts_local_ns"][ticks] += later
    events["ts_venue_ns"][ticks] += later


def _known(trial: Trial, tape: Tape, symbol: str) -> Mapping[str, Any]:
    """Frames that the strategy is built from: a named universe is shown, else the stranger stays unseen."""
    frames = trial.frames(tape)
    return frames if trial.subject.knows_universe else {name: frame for name, frame in frames.items() if name != symbol}


class BlinkeredView(View):
    """A view without one instrument."""

    stranger: Any = None

    @property
    def instruments(self) -> tuple[str, ...]:
        """Every other symbol."""
        return tuple(name for name in super().instruments if name != self.stranger)

    def bars_now(self) -> Any:
        """The bars of the others."""
        bars = super().bars_now()
        if isinstance(bars, list):
            return [bar for bar in bars if bar.instrument != self.stranger]
        return {name: bar for name, bar in bars.items() if name != self.stranger}


class Blinkered(Wrapped):
    """A strategy that is not told of one instrument of the tape."""

    def __init__(self, strategy: Strategy, stranger: int) -> None:
        super().__init__(strategy)
        self._stranger = stranger
        self._view: BlinkeredView | None = None

    def decide(self, view: View) -> Decision:
        """As the strategy decides where the wake is not the stranger's."""
        if self._view is None:
            self._view = BlinkeredView.__new__(BlinkeredView)
            self._view.__dict__.update(vars(view))
            self._view.stranger = view.instruments[self._stranger]
        own, kind = self._view, view.wake.kind
        own.wake = view.wake
        of_one = kind in (WakeKind.BAR, WakeKind.QUOTE, WakeKind.TRADE, WakeKind.BOOK, WakeKind.EVENT)
        if (of_one and view.wake.instrument == self._stranger) or (kind == WakeKind.BARS and not own.bars_now()):
            return view.nothing
        return self._strategy.decide(own)
