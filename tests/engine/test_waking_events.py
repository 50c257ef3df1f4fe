"""Signals of one's own and events about accounts: they wake `on_event`, in Python and compiled, and are read there by name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import State, Strategy, backtest, compiled
from framework.data.tape import Tape, build
from framework.data.tape.own_events import add_events, custom_events, transfer_events
from framework.errors import ConfigError, DataError, InputError
from framework.kernel.layout.log import write
from framework.kernel.machine.compile import entered
from framework.prove import prove
from framework.schema.event import EVENT, NO_INSTRUMENT, Correction, Kind, currency_word
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.order import Reason
from framework.schema.units import Step
from framework.simulation.audited_run import replay
from framework.simulation.sweep import sweep

DAYS = pd.date_range("2024-01-02", periods=5, freq="D", tz="UTC")


def bars_of(price: float) -> pd.DataFrame:
    return pd.DataFrame({"open": price, "high": price, "low": price, "close": price, "volume": 1000.0}, index=DAYS)


def plain_tape() -> Tape:
    instruments = {"A": Instrument("A", lot=Step(1, 10)), "B": Instrument("B", tick=Step(1, 8))}
    return build({"A": bars_of(100.0), "B": bars_of(50.0)}, instruments)


def bits(value: float) -> int:
    return int(np.float64(value).view(np.int64))


def everything() -> Tape:
    """One event of each kind, an hour apart on the second day; by hand: what each must be read as."""
    rows: list[tuple[Any, ...]] = [
        (Kind.CUSTOM, 0, NO_INSTRUMENT, 7, bits(0.5), bits(-1.5), bits(math.nan), 0),
        (Kind.ALARM, 0, 1, 3, 11, 12, 13, 14),
        (Kind.COMMAND, 0, NO_INSTRUMENT, 4, 21, 22, 23, 24),
        (Kind.LIMIT, 0, NO_INSTRUMENT, 5, 2, 9, bits(1e6), Reason.OPERATOR),
        (Kind.BREAKER, 0, 0, 6, 1, 8, 1, Reason.OPERATOR),
        (Kind.BREAKER, 0, 0, 6, 1, 8, 0, Reason.OPERATOR),
        (Kind.CORRECTION, Correction.POSITION, 0, 25, 0, 0, bits(9912.0), Reason.RECONCILED),
        (Kind.CORRECTION, Correction.CASH, NO_INSTRUMENT, currency_word("USD"), 0, 0, bits(-12.5), Reason.RECONCILED),
        (Kind.CORRECTION, Correction.ORDER_FOUND, 1, 0, 1, 6, 200, 0),
        (Kind.CORRECTION, Correction.ORDER_WORKS, 1, 0, 2, 0, 0, Reason.RECONCILED),
        (Kind.CORRECTION, Correction.ORDER_ENDED, 1, 0, 2, 0, 0, Reason.RECONCILED),
        (Kind.TRANSFER, 0, 0, -5, bits(10000.0), 0, 0, 0),
        (Kind.TRANSFER, 0, NO_INSTRUMENT, currency_word("USD"), bits(250.0), 0, 0, 0),
    ]
    events = np.zeros(len(rows), EVENT)
    for k, (event, row) in enumerate(zip(events, rows, strict=True)):
        event["ts_local_ns"] = event["ts_venue_ns"] = DAYS[1].value + (k + 1) * 3_600_000_000_000
        event["kind"], event["flags"], event["instrument"] = row[:3]
        event["w0"], event["w1"], event["w2"], event["w3"], event["w4"] = (int(word) for word in row[3:])
    return add_events(plain_tape(), events)


READ = [
    # kind, instrument, number, words or values, scope, value, tripped, order, quantity, price, amount
    ("CUSTOM", "", 7, (0.5, -1.5), 0, math.nan, False, -1, math.nan, math.nan, math.nan),
    ("ALARM", "B", 3, (11, 12, 13, 14), 0, math.nan, False, -1, math.nan, math.nan, math.nan),
    ("COMMAND", "", 4, (21, 22, 23, 24), 0, math.nan, False, -1, math.nan, math.nan, math.nan),
    ("LIMIT", "", 5, (0, 0, 0, 0), 2, 1e6, False, -1, math.nan, math.nan, math.nan),
    ("BREAKER", "A", 6, (0, 0, 0, 0), 1, math.nan, True, -1, math.nan, math.nan, math.nan),
    ("BREAKER", "A", 6, (0, 0, 0, 0), 1, math.nan, False, -1, math.nan, math.nan, math.nan),
    ("CORRECTION", "A", 0, (0, 0, 0, 0), 0, math.nan, False, -1, 2.5, 99.12, math.nan),
    ("CORRECTION", "", 0, (0, 0, 0, 0), 0, math.nan, False, -1, math.nan, math.nan, -12.5),
    ("CORRECTION", "B", 0, (0, 0, 0, 0), 0, math.nan, False, 0, 6.0, math.nan, math.nan),
    ("CORRECTION", "B", 0, (0, 0, 0, 0), 0, math.nan, False, 0, 2.0, math.nan, math.nan),
    ("CORRECTION", "B", 0, (0, 0, 0, 0), 0, math.nan, False, 0, 2.0, math.nan, math.nan),
    ("TRANSFER", "A", 0, (0, 0, 0, 0), 0, math.nan, False, -1, -0.5, 100.0, math.nan),
    ("TRANSFER", "", 0, (0, 0, 0, 0), 0, math.nan, False, -1, math.nan, math.nan, 250.0),
]


class Notes(Strategy):
    def on_start(self, view: Any) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def on_event(self, view: Any, event: Any) -> None:
        if event.kind == Kind.SESSION:
            return
        said = event.values[:2] if event.kind == Kind.CUSTOM else event.words
        about = (event.scope, event.value, event.is_tripped, event.order_id, event.quantity, event.price, event.amount)
        self.seen.append((event.kind.name, event.instrument, event.number, said, *about))
        assert event.ts_ns == view.now_ns and event.scope_number in (0, 8, 9)


def test_every_field_is_read_by_its_name() -> None:
    notes = Notes()
    result = backtest(notes, everything(), cash=1000.0)
    np.testing.assert_equal(notes.seen, READ)
    again = Notes()
    assert replay(again, everything(), result.audit).audit_hash == result.audit_hash
    np.testing.assert_equal(again.seen, READ)


class Mixes(Strategy):
    total: State[float] = 0.0
    count: State[int] = 0

    def on_event(self, view, event):  # type: ignore[no-untyped-def]
        if event.kind == Kind.SESSION:
            return
        self.count += 1
        weight = 1.0 + self.count
        for value in (event.value, event.quantity, event.price, event.amount, event.values[0], event.values[1]):
            if value == value:
                self.total = self.total * 0.5 + weight * value
        first, second, third, fourth = event.words
        if event.kind != Kind.CUSTOM:
            self.total += first * 0.25 + second * 0.5 + third * 2.0 + fourth
        self.total += event.number + event.scope * 3.0 + event.scope_number + event.order_id * 7.0 + event.instrument * 11.0
        self.total += event.flags + (event.ts_ns % 1_000_003) * 1e-3 + event.currency_word * 1e-9
        if event.is_tripped:
            self.total += 0.125
        if event.has_instrument:
            self.total += 0.0625


@compiled
class MixesCompiled(Mixes):
    pass


def test_compiled_hooks_read_the_same() -> None:
    slow, fast = MixesCompiled.python(), MixesCompiled()
    one, other = backtest(slow, everything(), cash=1000.0), backtest(fast, everything(), cash=1000.0)
    assert fast.count == slow.count == len(READ) and fast.total == slow.total and math.isfinite(fast.total)
    assert one.audit_hash == other.audit_hash


@entered
def _say(trader: Any, kind: int, number: int, word: int) -> None:
    write(trader[0], kind, 0, 1, trader[0].now_ns, number, word, 0, 0, 0)


class Hears(Strategy):
    """An event that stands in no tape, as the world of a session writes it, or the trader half itself."""

    def on_start(self, view: Any) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def on_bar(self, view: Any, bar: Any) -> None:
        if bar.instrument == "A":
            _say(view._trader.record, int(Kind.ALARM), 6, bar.ts_ns)
            _say(view._trader.record, int(Kind.BREAKER), 8, 2)
            view.buy("A", 0.1)

    def on_event(self, view: Any, event: Any) -> None:
        if event.kind != Kind.SESSION:
            self.heard.append((view.now_ns, event.kind, event.instrument, event.number, event.words[0], event.scope))


class HearsOrders(Hears):
    def on_order(self, view: Any, order: Any) -> None:
        self.heard.append((view.now_ns, order.state.name))


@pytest.mark.parametrize("chunk_events", [None, 1])
def test_an_event_that_stands_in_no_tape_wakes_too(chunk_events: int | None) -> None:
    strategy, both = Hears(), HearsOrders()
    backtest(strategy, plain_tape(), chunk_events=chunk_events)
    expected = []
    for day in DAYS:
        expected += [(day.value, Kind.ALARM, "B", 6, day.value, 0), (day.value, Kind.BREAKER, "B", 8, 0, 2)]
    assert strategy.heard == expected
    backtest(both, plain_tape(), chunk_events=chunk_events)
    assert [row for row in both.heard if len(row) > 2] == expected and both.heard[2] == (DAYS[0].value, "WORKING")


class Follows(Strategy):
    """Buys what a signal says, when it is known."""

    def on_event(self, view: Any, event: Any) -> None:
        if event.kind == Kind.CUSTOM:
            self.known.append((view.now_ns, event.instrument, event.number, event.values))
            view.target_quantity(event.instrument, event.values[0])

    def on_start(self, view: Any) -> None:
        self.known: list[tuple[Any, ...]] = []


def signals(**columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame({"symbol": ["A", "B"], "number": [1, 2], "size": [3.0, 4.0], "score": [0.5, math.nan]}, index=DAYS[1:3])
    return frame.assign(**columns)


def test_a_signal_is_followed_after_it_was_known_and_not_before() -> None:
    tape = plain_tape()
    happened = pd.DatetimeIndex(["2024-01-01", "2024-01-01"], tz="UTC")
    strategy = Follows()
    result = backtest(strategy, add_events(tape, custom_events(tape, signals(happened=happened))), cash=10_000.0)
    assert [row[:3] for row in strategy.known] == [(DAYS[1].value, "A", 1), (DAYS[2].value, "B", 2)]
    assert strategy.known[0][3] == (3.0, 0.5, 0.0, 0.0) and math.isnan(strategy.known[1][3][1])
    assert result.fills["ts"].tolist() == [DAYS[2], DAYS[3]]  # each at the open of the bar that follows what is known


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (signals(symbol=["A", "C"]), "row 1: symbol 'C' is not on the tape"),
        (signals(number=[1.5, 2.0]), "column number: float64; rule: whole numbers"),
        (signals(size=["3", "4"]), "column 'size': .*; rule: numbers"),
        (signals(a=1.0, b=2.0, c=3.0), r"5 columns of values \(size, score, a, b, c\); rule: at most 4"),
        (signals().tz_localize(None), "datetime64.*; rule: stamps in UTC"),
        (signals(happened=pd.DatetimeIndex(["2024-01-01", None], tz="UTC")), "column happened"),
        (signals(happened=pd.DatetimeIndex(["2024-02-01"] * 2, tz="UTC")), "nothing is known before it happens"),
    ],
)
def test_signals_that_cannot_be_are_refused(frame: pd.DataFrame, message: str) -> None:
    tape = plain_tape()
    with pytest.raises(DataError, match=message):
        add_events(tape, custom_events(tape, frame))


def test_a_table_of_transfers() -> None:
    tape = plain_tape()
    moves = pd.DataFrame(
        {"currency": ["USD", None], "amount": [500.0, None], "symbol": ["", "A"], "quantity": [None, 0.5], "price": [None, 80.0]},
        index=DAYS[1:3],
    )
    result = backtest(Notes(), add_events(tape, transfer_events(tape, moves)), cash=1000.0)
    assert result.tables.deposits is not None and result.tables.deposits.tolist() == [500.0, 50.0]
    assert result.metrics["total_return"] == 0.0 and result.equity.iloc[-1] == 1550.0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"kind": Kind.TRANSFER, "instrument": NO_INSTRUMENT, "w0": 5}, "currency word 5; rule: three to five capital letters"),
        ({"kind": Kind.TRANSFER, "instrument": NO_INSTRUMENT, "w0": -1}, "currency word -1; rule"),
        ({"kind": Kind.TRANSFER, "instrument": NO_INSTRUMENT, "w0": currency_word("USD"), "w1": bits(math.nan)}, "amount nan; rule"),
        ({"kind": Kind.TRANSFER, "instrument": 0, "w0": 5, "w1": bits(0.0)}, "price 0 ticks; rule: above 0"),
        ({"kind": Kind.CORRECTION, "instrument": 0, "flags": 9, "w4": Reason.OPERATOR}, "flags 9; rule: one of POSITION"),
        ({"kind": Kind.CORRECTION, "instrument": 0, "flags": Correction.CASH, "w4": Reason.OPERATOR}, "CASH with instrument 0; rule"),
        ({"kind": Kind.CORRECTION, "instrument": 0, "flags": Correction.POSITION, "w4": 250}, "reason 250; rule: one of `Reason`"),
        ({"kind": Kind.CORRECTION, "instrument": 0, "flags": Correction.ORDER_ENDED, "w1": -1, "w4": Reason.OPERATOR}, "-1 lots; rule"),
        ({"kind": Kind.BREAKER, "instrument": 7}, "instrument 7, but there are 2 instruments"),
    ],
)
def test_account_events_that_cannot_be_never_reach_the_kernel(words: dict[str, Any], message: str) -> None:
    events = np.zeros(1, EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = DAYS[1].value
    for name, value in words.items():
        events[name] = value
    with pytest.raises(DataError, match=message):
        add_events(plain_tape(), events)


class Holds(Strategy):
    size: float = 1.0

    def on_bar(self, view: Any, bar: Any) -> None:
        view.target_quantity("A", self.size)


def test_a_sweep_measures_as_a_backtest_does() -> None:
    price = np.linspace(100.0, 120.0, 40) + 3.0 * np.sin(np.arange(40.0))
    up = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), price) | {"volume": 1e3})
    up.index = pd.date_range("2024-01-02", periods=40, freq="D", tz="UTC")
    tape = build({"A": up.round(2)}, {"A": Instrument("A")})
    moves = pd.DataFrame({"currency": ["USD", "USD"], "amount": [700.0, -200.0]}, index=up.index[[10, 25]])
    moved = add_events(tape, transfer_events(tape, moves))
    opening = {"cash": {"USD": 400.0}, "positions": {"A": (3, 50.0)}}
    table = sweep(Holds, {"size": [5.0]}, moved, opening=opening).table
    result = backtest(Holds(size=5.0), moved, opening=opening)
    for name in ("total_return", "annual_return", "sharpe", "max_drawdown", "turnover", "calmar", "annual_volatility"):
        assert table[name][0] == pytest.approx(result.metrics[name], rel=1e-12), name
    assert table["final_equity"][0] == result.equity.iloc[-1]


def test_what_comes_from_outside_is_proved_as_all_else() -> None:
    moves = pd.DataFrame({"currency": ["USD"], "amount": [700.0]}, index=DAYS[1:2])
    tape = plain_tape()
    opening = {
        "cash": {"USD": 400.0},
        "positions": {"A": (3, 50.0)},
        "orders": [{"instrument": "B", "side": "BUY", "quantity": 1, "limit": 40.0}],
    }
    proof = prove(Holds, add_events(tape, transfer_events(tape, moves)), opening=opening)
    assert proof.passed, str(proof)


def test_cash_whose_worth_is_not_known_is_refused() -> None:
    pair = build({"EURUSD": bars_of(1.0)}, {"EURUSD": Instrument("EURUSD", kind=InstrumentKind.FX, base_currency="EUR")})
    early = pd.DataFrame({"currency": ["EUR"], "amount": [5.0]}, index=DAYS[:1] - pd.Timedelta("1h"))
    with pytest.raises(InputError, match="TRANSFER at 2024-01-01T23:00.* of EUR, whose rate in USD is not known then"):
        backtest(Notes(), add_events(pair, transfer_events(pair, early)))
    with pytest.raises(InputError, match="of EUR; rule: a currency of the run, one of USD"):
        backtest(Notes(), add_events(plain_tape(), transfer_events(plain_tape(), early)))


@pytest.mark.parametrize(
    ("opening", "message"),
    [
        ({"positions": {"C": (1, 5.0)}}, "opening.positions names 'C', which is not in the data"),
        ({"positions": {"A": (0.05, 5.0)}}, r"opening.positions\['A'\]: 0.05; rule: a whole number of lots of 0.1"),
        ({"positions": {"A": (-1, 5.0)}}, r"-1 with risk.allow_short False; rule: at least 0"),
        ({"cash": {"EUR": 5.0}}, "EUR in an account in USD, and no currency pair of the data converts it"),
        ({"orders": [{"instrument": "A", "side": "SELL", "quantity": 1, "limit": 9.0}]}, "1 A to be sold of 0 held"),
        (
            {"orders": [{"instrument": "B", "side": "BUY", "quantity": 1, "limit": 9.1}]},
            r"limit: 9.1; rule: a whole number of ticks of 0.125",
        ),
        ({"orders": [{"instrument": "C", "side": "BUY", "quantity": 1, "limit": 9.0}]}, r"opening.orders\[0\] is in 'C'"),
        ({"orders": [{"instrument": "A", "side": "BUY", "quantity": 1}]}, "neither limit nor stop"),
        ({"cash": {"dollars": 5.0}}, "three to five capital letters"),
        ({"cash": {"USD": -500.0}, "positions": {"A": (1, 5.0)}}, "worth -400 USD; rule: above 0"),
        ({"csh": {}}, "unknown key csh"),
        ({"positions": {"A": (1, 0.0)}}, "greater than 0"),
    ],
)
def test_an_opening_that_cannot_be_is_refused(opening: dict[str, Any], message: str) -> None:
    with pytest.raises((InputError, ConfigError), match=message):
        backtest(Notes(), plain_tape(), opening=opening)
