"""From frames of bars as they came to a tape: stamps, checks, and the instrument each frame implies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pandas as pd

from framework.data.checks.bar_columns import PRICE_COLUMNS, check_columns
from framework.data.checks.far_off import Lines, in_ns
from framework.data.checks.inferred_steps import Column, price_tick, quantity_lot
from framework.data.reference.calendar import ALWAYS_OPEN, BARS, is_bars
from framework.data.tape.assembly import Tape, build
from framework.data.tape.bar_events import Bars
from framework.data.tape.bar_rules import check_bars, check_sessions
from framework.data.tape.stamps import DAILY_FROM_NS, BarStamp, Bound, Epoch, bounds_ns, close_stamps, modal_interval, parse
from framework.errors import DataError, did_you_mean
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.units import Step

Missing = Literal["refuse", "allow"]
Spec = Mapping[str, Any] | Instrument

_SPEC_WORDS = {"tick_size": "tick", "lot_size": "lot"}


@dataclass(frozen=True, slots=True)
class Source:
    """One symbol's rows as they came: named columns, the stamps beside them, and where they came from."""

    symbol: str
    bars: pd.DataFrame
    stamps: pd.Series[Any] | pd.Index[Any]
    place: str
    lines: Lines | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """How to read bars; the arguments of `readers.read_bars`, where they are explained."""

    start: Bound = None
    end: Bound = None
    bar_stamp: BarStamp = "close"
    calendar: str | None = None
    tick_size: float | str | Fraction | Step | None = None
    lot_size: float | str | Fraction | Step | None = None
    currency: str = "USD"
    time_zone: str | None = None
    epoch: Epoch | None = None
    missing: Missing = "refuse"
    specs: Mapping[str, Spec] | None = None


def to_tape(sources: Sequence[Source], terms: Terms, *, actions: pd.DataFrame | None = None, name: str, notes: Sequence[str] = ()) -> Tape:
    """Check every source, settle its instrument, and build the tape.

    Raises:
        DataError: whatever cannot be trusted; see `bar_rules`, `stamps` and `tape.build`.
    """
    if terms.missing not in ("refuse", "allow"):
        raise DataError(f"missing={terms.missing!r} is unknown. {did_you_mean(str(terms.missing), ('refuse', 'allow'))}")
    _check_types(terms)
    symbols = [source.symbol for source in sources]
    for symbol in symbols:
        if symbols.count(symbol) > 1:
            places = " and ".join(source.place for source in sources if source.symbol == symbol)
            raise DataError(f"symbol {symbol!r} comes twice, from {places}. Keep one.")
    for symbol in terms.specs or {}:
        if symbol not in symbols:
            raise DataError(f"instrument_specs names {symbol!r}, which is not in the data. {did_you_mean(symbol, symbols)}")
    frames, instruments, said = {}, {}, list(notes)
    for source in sources:
        frames[source.symbol], instruments[source.symbol], note = prepare(source, terms)
        said += note
    whole = build(frames, instruments, actions=actions, name=name, notes=said)
    return whole if terms.start is None and terms.end is None else whole.select(start=terms.start, end=terms.end)


def _check_types(terms: Terms) -> None:
    for word in ("calendar", "time_zone", "currency"):
        value: object = getattr(terms, word)
        if value is not None and not isinstance(value, str):
            raise DataError(f"{word} = {value!r}: must be text, not {type(value).__name__}; write it in quotes.")
    specs: object = terms.specs
    if specs is None:
        return
    way_out = "write {'AAPL': {'tick_size': '0.01'}}"
    if not isinstance(specs, Mapping):
        raise DataError(f"instrument_specs = {specs!r}: must be a mapping by symbol, not {type(specs).__name__}; {way_out}.")
    for symbol, spec in specs.items():
        if not isinstance(spec, (Mapping, Instrument)):
            raise DataError(
                f"instrument_specs[{symbol!r}] = {spec!r}: must be an Instrument or a mapping of its fields, not {type(spec).__name__}; "
                f"{way_out}."
            )


def prepare(source: Source, terms: Terms) -> tuple[Bars, Instrument, list[str]]:
    """A source's bars at their UTC closes, its instrument, and notes for the user."""
    bounds_ns(terms.start, terms.end)  # a wrong bound is told before the rows are looked at
    spec = _spec(source.symbol, terms)
    declared = spec.get("calendar")
    indexed = spec.get("kind") is InstrumentKind.INDEX
    check_columns([str(column) for column in source.bars.columns], place=source.place, volume_needed=not indexed)
    raw = parse(source.stamps, place=source.place, lines=source.lines, epoch=terms.epoch)
    closes = close_stamps(
        raw, place=source.place, lines=source.lines, calendar=declared, time_zone=terms.time_zone, bar_stamp=terms.bar_stamp
    )
    columns = check_bars(source.bars.set_axis(closes, axis=0), place=source.place, lines=source.lines, volume_needed=not indexed)
    notes: list[str] = []
    if "volume" not in columns:
        columns["volume"] = np.zeros(len(closes))
        notes.append(f"{source.symbol}: an index without volume; its bars carry volume 0.")
    mode, regular = modal_interval(in_ns(closes).asi8)
    daily = raw.dates_only or mode >= DAILY_FROM_NS
    calendar = declared or (BARS if daily else ALWAYS_OPEN)
    if declared is not None and not is_bars(declared):
        allow = terms.missing == "allow"
        notes += check_sessions(closes, declared, daily=daily, place=source.place, lines=source.lines, allow_missing=allow)
    bars, instrument, said = _settle(source.symbol, Bars(closes, columns), spec)
    # A daily bar of an exchange spans its session, not a fixed time, so it counts "since the previous bar".
    interval = 0 if not regular or (daily and not is_bars(calendar)) else mode
    return bars, replace(instrument, calendar=calendar, bar_interval_ns=spec.get("bar_interval_ns", interval)), notes + said


def _settle(symbol: str, bars: Bars, spec: dict[str, Any]) -> tuple[Bars, Instrument, list[str]]:
    """The instrument, with tick and lot inferred where they were not declared; prices rounded only where noted."""
    notes: list[str] = []
    given = dict(spec)
    if "tick" not in given:
        prices = {name: bars.columns[name] for name in PRICE_COLUMNS}
        found = price_tick(list(prices.values()), Column(symbol, PRICE_COLUMNS, bars.closes))
        given["tick"] = found.step
        if not found.is_exact:
            decimals = len(str(found.step.denominator)) - 1
            bars = Bars(bars.closes, {**bars.columns, **{name: np.round(values, decimals) for name, values in prices.items()}})
            notes.append(
                f"{symbol}: prices lie on no decimal grid and were rounded to ticks of {found.step.size:g}; the largest change is "
                f"{found.moved:.2g} of a price. Declare tick_size for the real price grid."
            )
    if "lot" not in given:
        given["lot"] = quantity_lot(bars.columns["volume"], Column(symbol, ("volume",), bars.closes)).step
    return bars, Instrument(symbol=symbol, **given), notes


def _spec(symbol: str, terms: Terms) -> dict[str, Any]:
    """Fields of the instrument that were declared: for all symbols first, then overridden for this one."""
    merged: dict[str, Any] = {"currency": terms.currency}
    if terms.calendar is not None:
        merged["calendar"] = terms.calendar
    for word, size in (("tick", terms.tick_size), ("lot", terms.lot_size)):
        if size is not None:
            merged[word] = Step.of(size)
    own = (terms.specs or {}).get(symbol, {})
    if isinstance(own, Instrument):
        if own.symbol != symbol:
            raise DataError(f"instrument_specs[{symbol!r}] is an Instrument called {own.symbol!r}. Use one name.")
        whole = {field.name: getattr(own, field.name) for field in fields(Instrument) if field.name != "symbol"}
        if not own.bar_interval_ns:
            del whole["bar_interval_ns"]  # its default: the data tell it better
        return whole
    known = {field.name for field in fields(Instrument)} - {"symbol"}
    for word, value in own.items():
        name = _SPEC_WORDS.get(word, word)
        if name not in known:
            raise DataError(f"instrument_specs[{symbol!r}]: {word!r} is unknown. {did_you_mean(word, known | set(_SPEC_WORDS))}")
        merged[name] = Step.of(value) if name in ("tick", "lot") else _kind(symbol, value) if name == "kind" else value
    return merged


def _kind(symbol: str, value: Any) -> InstrumentKind:
    if isinstance(value, InstrumentKind):
        return value
    name = str(value).upper()
    if name not in InstrumentKind.__members__:
        raise DataError(f"instrument_specs[{symbol!r}]: kind {value!r} is unknown. {did_you_mean(name, InstrumentKind.__members__)}")
    return InstrumentKind[name]
