"""The kernel's ledger against one in decimal arithmetic, on random tapes: law 9, conservation."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from framework import Strategy, backtest
from framework.data.tape import Tape, build
from framework.engine.market import Bar
from framework.engine.view import View
from framework.reports.result import Result
from framework.schema.event import EVENT, CostKind, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step
from tests.properties.decimal_ledger import PRECISION, ZERO, FeeSchedule, Holding, Ledger, exact
from tests.properties.random_runs import HOUR, Account, Action, Case, Paper, Scripted, Wish, cases, in_order, instruments_of, run, tape_of

RELATIVE = Decimal("1e-9")
DAY = 24 * HOUR


def real(word: int) -> float:
    """The float whose bits a word of an event holds."""
    value: float = struct.unpack("<d", struct.pack("<q", word))[0]
    return value


def same(found: float, expected: Decimal, scale: Decimal = ZERO) -> bool:
    """Equal to 1e-9 of the value, or of a thousandth of the sums it is the difference of."""
    return abs(Decimal(found) - expected) <= RELATIVE * max(abs(expected), scale / 1000, Decimal("1e-6"))


class Check:
    """Walks a run's audit and tape side by side, feeds the decimal ledger, and compares at every point that was noted."""

    def __init__(self, case: Case, tape: Tape, strategy: Scripted, result: Result) -> None:
        self.case, self.tape, self.result = case, tape, result
        self.names = [instrument.symbol for instrument in tape.instruments]
        self.instruments = instruments_of(case)
        self.ticks = {name: Fraction(i.tick.numerator, i.tick.denominator) for name, i in self.instruments.items()}
        self.lots = {name: Fraction(i.lot.numerator, i.lot.denominator) for name, i in self.instruments.items()}
        holdings = {name: Holding(i.currency, Decimal(i.multiplier), exact(self.lots[name])) for name, i in self.instruments.items()}
        self.ledger = Ledger("USD", Decimal(case.cash), holdings)
        if case.pair:
            self.ledger.pairs[case.pair] = (case.pair[:3], case.pair[3:])
        self.noted = {(note.kind, note.instrument, note.ts_ns): note for note in strategy.notes}
        self.checked = 0
        self.fees: dict[int, list[tuple[Decimal, Decimal, bool]]] = {}
        self.charged: dict[int, Decimal] = {}
        self.fill: tuple[Decimal, Decimal, str, int, bool] | None = None
        self.volume: dict[str, int] = {}
        bars = tape.events[tape.events["kind"] == Kind.BAR]
        self.bars = {(self.names[bar["instrument"]], int(bar["ts_local_ns"])): {"w4": int(bar["w4"])} for bar in bars}
        self.opens: list[int] = []
        self.due: list[tuple[str, Decimal]] = []
        self.curve: dict[int, Decimal] = {}
        self.moved: set[int] = set()
        self.now = 0
        self.schedule = schedule(case.costs)

    def steps(self) -> Iterator[tuple[bool, dict[str, int]]]:
        """(whether it is a tape event, its fields), in the order in which the run applied them."""
        for is_tape, event, _ in in_order(self.tape, self.result):
            yield is_tape, event

    def all(self) -> Ledger:
        """Compare everything; return the ledger as it stands at the end."""
        for is_tape, event in self.steps():
            if event["ts_local_ns"] > self.now:
                self.curve[self.now] = self.ledger.equity
                self.now = event["ts_local_ns"]
            if is_tape:
                self.on_tape(event)
            else:
                self.on_record(event)
        self.curve[self.now] = self.ledger.equity
        assert self.checked == len(self.noted)
        assert not self.due
        self.compare_tables()
        return self.ledger

    def on_tape(self, event: dict[str, int]) -> None:
        kind, ledger = Kind(event["kind"]), self.ledger
        if kind is Kind.SESSION:
            if event["flags"] & Flag.SESSION_OPEN:
                self.opens.append(event["ts_local_ns"])
            return
        name = self.names[event["instrument"]]
        tick = self.ticks[name]
        if kind is Kind.BAR:
            ledger.mark(name, exact(event["w3"] * tick))
        elif kind is Kind.QUOTE:
            ledger.mark(name, exact((event["w0"] + event["w1"]) * tick / 2))
        elif kind is Kind.SPLIT:
            ledger.split(name, event["w0"], event["w1"], event["ts_local_ns"])
        elif kind is Kind.DIVIDEND:
            ledger.dividend(name, Decimal(event["w0"]) / 10**9)
        elif kind is Kind.DELIST:
            ledger.delist(name, exact(event["w0"] * tick), event["ts_local_ns"])
        note = self.noted.get((kind, name, event["ts_local_ns"]))
        if note is not None:
            self.compare(note)
            self.checked += 1

    def on_record(self, event: dict[str, int]) -> None:
        kind = Kind(event["kind"])
        if kind is Kind.ORDER_FILLED:
            self.on_fill(event)
        elif kind is Kind.ORDER_COSTS:
            self.check_slippage(event)
        elif kind is Kind.CHARGE:
            self.check_borrow(event)
            currencies = tuple(dict.fromkeys(("USD", *self.tape.currencies)))
            self.ledger.charge(self.names[event["instrument"]], currencies[event["w2"]], Decimal(real(event["w1"])))

    @property
    def pushes(self) -> bool:
        """Whether makers pay impact too: what they have pushed."""
        return bool((self.case.costs.get("impact") or {}).get("charge_makers"))

    def on_fill(self, event: dict[str, int]) -> None:
        name, order = self.names[event["instrument"]], event["w0"]
        side = 1 if self.result.orders["side"].iloc[order] == "BUY" else -1
        units, price = exact(event["w2"] * self.lots[name]), exact(event["w1"] * self.ticks[name])
        fee, slippage = Decimal(real(event["w3"])), Decimal(real(event["w4"]))
        value = units * price * self.ledger.holdings[name].multiplier
        is_maker = bool(event["flags"] & Flag.MAKER)
        fills = self.fees.setdefault(order, [])
        fills.append((units, value, is_maker))
        whole = self.schedule.of_order(fills)
        assert same(float(fee), whole - self.charged.get(order, ZERO), value / 1000), (order, fee, whole)
        self.charged[order] = whole
        self.fill = (units, value, name, event["w2"], is_maker)
        if is_maker and not self.pushes:
            assert slippage == 0
        self.ledger.fill(name, side * units, price, slippage, fee, event["ts_local_ns"])

    def check_slippage(self, event: dict[str, int]) -> None:
        """Half spread and volume share from the fill before; impact needs a history and has its own test."""
        assert self.fill is not None and self.case.costs
        _, value, name, lots, is_maker = self.fill
        assert self.pushes or not is_maker
        half, share, _ = (real(event[word]) for word in ("w1", "w2", "w3"))
        rate = Decimal(str(self.case.costs.get("half_spread_bps", 0.0))) / 10_000
        is_free = is_maker or name in {paper.symbol for paper in self.case.papers if paper.is_quoted}  # quotes carry their spread
        assert same(half, ZERO if is_free else rate * value, value / 1000)
        impact = self.case.costs.get("impact") or {}
        if impact.get("model") == "volume_share" and not self.case.latency:
            bar = self.bars[name, event["ts_local_ns"]]
            expected = Decimal(str(impact["price_impact"])) * (Decimal(lots) / bar["w4"]) ** 2 * value if bar["w4"] else ZERO
            assert same(share, expected, value / 1000)
        else:
            assert share == 0 or self.case.latency

    def check_borrow(self, event: dict[str, int]) -> None:
        """A charge at a session's open: the value short x rate x days since the open before / 360."""
        if self.case.latency:
            return
        assert self.opens and event["w0"] == CostKind.BORROW
        holding = self.ledger.holdings[self.names[event["instrument"]]]
        assert holding.mark is not None
        days = Decimal(event["ts_venue_ns"] - self.opens[-1]) / DAY
        rate = Decimal(str(self.case.costs["borrow_bps"])) / 10_000
        expected = -holding.quantity * holding.mark * holding.multiplier * rate * days / 360
        assert expected > 0 and same(real(event["w1"]), expected)

    def compare(self, note: Account) -> None:
        ledger = self.ledger
        moved = sum((h.turnover * ledger.rates.get(h.currency, ZERO) for h in ledger.holdings.values()), Decimal(self.case.cash))
        for currency, amount in note.cash.items():
            assert same(amount, ledger.cash.get(currency, ZERO), moved), (currency, amount, ledger.cash[currency])
        for name, (quantity, average, realised, unrealised) in note.held.items():
            holding = ledger.holdings[name]
            assert Decimal(quantity) == holding.quantity or same(quantity, holding.quantity), (name, quantity, holding.quantity)
            if holding.quantity:
                assert same(average, holding.cost / holding.quantity)
            else:
                assert np.isnan(average)
            assert same(realised, holding.realised, holding.turnover), (name, realised, holding.realised)
            assert same(unrealised, holding.unrealised, holding.turnover), (name, unrealised, holding.unrealised)
        assert same(note.equity, ledger.equity, moved), (note, ledger.equity)

    def compare_tables(self) -> None:
        ledger, result = self.ledger, self.result
        for stamp, equity in zip(result.equity.index.as_unit("ns").asi8.tolist(), result.equity.tolist(), strict=True):
            assert same(equity, self.curve[stamp], Decimal(self.case.cash)), (stamp, equity, self.curve[stamp])
        trips = result.trades
        assert len(trips) == len(ledger.round_trips)
        columns = ("instrument", "side", "quantity", "entry_price", "exit_price", "pnl_local", "fees_local")
        opened, closed = (trips[name].astype("int64").tolist() for name in ("entry_ts", "exit_ts"))
        for row, trip in enumerate(ledger.round_trips):
            name, side, quantity, entry, exit_, pnl, fees = (trips[column].iloc[row] for column in columns)
            scale = abs(trip.quantity) * trip.exit_price * ledger.holdings[name].multiplier
            assert (name, side, opened[row], closed[row]) == (trip.name, "BUY" if trip.quantity > 0 else "SELL", trip.opened, trip.closed)
            assert same(quantity, abs(trip.quantity))
            assert same(entry, trip.entry_price) and same(exit_, trip.exit_price)
            assert same(pnl, trip.pnl, scale * 1000) and same(fees, trip.fees, scale)
            made, rate = float(trips["pnl"].iloc[row]), trip.rate
            assert same(made, trip.pnl * rate, scale * rate * 1000) and same(float(trips["fees"].iloc[row]), trip.fees * rate, scale * rate)
        self.compare_round_trips()
        assert same(float(result.income["dividends"]), ledger.income, Decimal(self.case.cash))
        assert same(float(result.costs["fee"]), ledger.fees, Decimal(self.case.cash))

    def compare_round_trips(self) -> None:
        """Flat to flat, in the account's currency."""
        found, wholes = self.result.round_trips, self.ledger.wholes
        stamps = [found[name].astype("int64").tolist() for name in ("entry_ts", "exit_ts")]
        assert list(zip(found["instrument"], *stamps, strict=True)) == [(w.name, w.opened, w.closed) for w in wholes]
        scale = Decimal(self.case.cash)
        for row, whole in zip(found.to_dict("records"), wholes, strict=True):
            for name in ("pnl", "fees", "dividends", "charges"):
                assert same(row[name], getattr(whole, name), scale), (name, row, whole)
            assert row["mae"] <= 0.0 <= row["mfe"]
        assert found["lots"].sum() == (self.result.trades["round_trip"] >= 0).sum()


def schedule(costs: Any) -> FeeSchedule:
    """The fee schedule that a cost setting describes."""

    def bps(key: str) -> Decimal:
        chosen = costs.get(key, costs.get("fee_bps", 0.0))
        return Decimal(str(chosen)) / 10_000

    most = costs.get("fee_maximum_bps")
    return FeeSchedule(
        bps("maker_bps"),
        bps("taker_bps"),
        Decimal(str(costs.get("fee_per_share", 0.0))),
        Decimal(str(costs.get("fee_per_order", 0.0))),
        Decimal(str(costs.get("fee_minimum", 0.0))),
        None if most is None else Decimal(str(most)) / 10_000,
    )


def checked(case: Case) -> tuple[Ledger, Result]:
    """Run a case and compare everything."""
    tape = tape_of(case)
    strategy, result = run(case, tape)
    with localcontext(prec=PRECISION):
        ledger = Check(case, tape, strategy, result).all()
        if not case.pair:  # with rates that move, PnL in several currencies does not add up to the change of equity
            assert_conserved(case, ledger, result)
    return ledger, result


def assert_conserved(case: Case, ledger: Ledger, result: Result) -> None:
    """Equity is the opening cash, and what was made, received and paid: no other source and no other sink."""
    made = sum((h.realised + h.unrealised + h.income for h in ledger.holdings.values()), ZERO)
    borrow = Decimal(float(result.costs["borrow"]))
    expected = Decimal(case.cash) + made - ledger.fees - borrow
    last = Decimal(result.equity.iloc[-1])
    assert abs(expected - ledger.equity) <= RELATIVE * Decimal(case.cash)
    assert abs(last - ledger.equity) <= RELATIVE * Decimal(case.cash)


@settings(
    max_examples=1000,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(cases())
def test_a_thousand_random_tapes(case: Case) -> None:
    checked(case)


# Worked out by hand. Daily bars of a single price, so that only the ledger is at work.


class Buying(Strategy):
    """Orders the quantities of `plan` after the bars with these numbers."""

    plan: dict[int, float]

    def on_start(self, view: View) -> None:
        self.read: list[tuple[float, float, float, float, float]] = []

    def on_bar(self, view: View, bar: Bar) -> None:
        name, number = bar.instrument, view.bar_count(bar.instrument)
        self.read.append((view.cash, view.position(name), view.average_price(name), view.realised_pnl(name), view.unrealised_pnl(name)))
        if number in self.plan:
            view.order(name, self.plan[number])


def flat(prices: list[int], *actions: tuple[int, int, int, int], **options: Any) -> tuple[Buying, Result]:
    """A run on bars at these whole prices; actions are (after which bar, kind, w0, w1)."""
    rows: list[tuple[int, ...]] = [(n * DAY, n * DAY, Kind.BAR, 0, 0, p, p, p, p, 1000) for n, p in enumerate(prices, 1)]
    rows += [(n * DAY + HOUR, n * DAY + HOUR, kind, 0, 0, w0, w1, 0, 0, 0) for n, kind, w0, w1 in actions]
    strategy = Buying(plan=options.pop("plan"))
    return strategy, backtest(strategy, whole(rows), **options)


def whole(rows: list[tuple[int, ...]]) -> Tape:
    """A tape of one instrument whose tick is one unit of money."""
    return build({}, {"X": Instrument("X", tick=Step(1, 1), calendar="24/7")}, extra=np.array(rows, dtype=EVENT))


def test_a_flip_closes_the_oldest_first_and_opens_the_rest() -> None:
    # buys 3 at 10 and 2 at 20; sells 7 at 30: closes 3 (made 60) and 2 (made 20), opens 2 short at 30, marked at 40
    strategy, result = flat([10, 10, 20, 30, 40], plan={1: 3, 2: 2, 3: -7}, risk={"allow_short": True, "max_leverage": 2.0})
    assert strategy.read[-1] == (1_000_000 - 30 - 40 + 210, -2.0, 30.0, 80.0, -20.0)
    assert result.trades["pnl"].tolist() == [60.0, 20.0]
    assert result.trades["quantity"].tolist() == [3.0, 2.0]
    assert result.trades["entry_price"].tolist() == [10.0, 20.0]


def test_entry_fees_follow_their_part_of_the_entry() -> None:
    # buys 4 at 100 for a fee of 4, sells 1 for 1 and 3 for 3: round trips carry 1 + 1 and 3 + 3
    _, result = flat([100, 100, 100, 100], plan={1: 4, 2: -1, 3: -3}, costs={"fee_bps": 100.0})
    assert result.trades["fees"].tolist() == pytest.approx([2.0, 6.0], rel=1e-12)
    assert result.trades["pnl"].tolist() == pytest.approx([-2.0, -6.0], rel=1e-12)
    assert result.equity.iloc[-1] == pytest.approx(1_000_000 - 8, rel=1e-12)


def test_a_reverse_split_loses_no_cost_between_two_entries() -> None:
    # 3 at 10 and 3 at 20, then one for two at 20: 1 share at 20, and 2 of which half was bought at 20 and three halves at 40
    strategy, result = flat([10, 10, 20, 40, 40], (3, Kind.SPLIT, 1, 2), plan={1: 3, 2: 3, 4: -3})
    assert strategy.read[3] == (1_000_000 - 90, 3.0, 30.0, 0.0, 30.0)  # cost 90 as before, worth 120
    assert strategy.read[4][3:] == (30.0, 0.0)
    assert result.trades["entry_price"].tolist() == [20.0, 35.0]
    assert result.trades["pnl"].tolist() == [20.0, 10.0]
    assert result.trades["pnl"].sum() == result.equity.iloc[-1] - 1_000_000


def test_a_fraction_of_a_share_is_paid_in_cash_at_the_price_after_the_split() -> None:
    # 25 bought at 8 for a fee of 2 (100 bps), marked at 9; one for ten: 2 shares and half a share paid 0.5 x 90 = 45, cost 40
    strategy, result = flat([8, 8, 9, 90], (3, Kind.SPLIT, 1, 10), plan={1: 25}, costs={"fee_bps": 100.0})
    cash, position, average, realised, unrealised = strategy.read[3]
    assert (cash, position, average) == (1_000_000 - 200 - 2 + 45, 2.0, 80.0)
    assert (realised, unrealised) == (5.0, 20.0)
    [trade] = result.trades.to_dict("records")
    assert (trade["quantity"], trade["entry_price"], trade["exit_price"]) == (0.5, 80.0, 90.0)
    assert (trade["fees"], trade["pnl"]) == pytest.approx((0.4, 4.6), rel=1e-12)  # a fifth of the entry's fee
    assert result.equity.tolist() == pytest.approx([1_000_000, 999_998, 1_000_023, 1_000_023], rel=1e-12)


def test_a_split_to_less_than_one_share_pays_everything_and_loses_no_fee() -> None:
    _, result = flat([8, 8, 8, 80], (3, Kind.SPLIT, 1, 10), plan={1: 4, 2: 5}, costs={"fee_bps": 100.0})
    [trade] = result.trades.to_dict("records")
    assert trade["quantity"] == 0.9
    assert (trade["pnl"], trade["fees"]) == pytest.approx((-0.72, 0.72), rel=1e-12)
    assert result.positions.iloc[-1].tolist() == [0.0]


def test_a_short_pays_the_dividend_and_a_long_receives_it() -> None:
    for side in (1, -1):
        strategy, result = flat([50, 50, 47], (2, Kind.DIVIDEND, 3_000_000_000, 0), plan={1: side * 10.0}, risk={"allow_short": True})
        assert strategy.read[2] == (1_000_000 - side * 500 + side * 30, side * 10.0, 50.0, 0.0, side * -30.0)
        assert result.income["dividends"] == side * 30.0
        assert result.equity.tolist() == [1_000_000.0] * 3


def test_a_delisting_pays_out_and_is_the_last_of_the_curve() -> None:
    _, result = flat([10, 10, 30], (3, Kind.DELIST, 1, 0), plan={1: 100})
    assert result.equity.tolist() == [1_000_000, 1_000_000, 1_002_000, 999_100]
    assert result.trades["pnl"].tolist() == [-900.0]
    assert result.positions.iloc[-1].tolist() == [0.0]
    # nobody holds it: no event, no point
    _, idle = flat([10, 10, 30], (3, Kind.DELIST, 1, 0), plan={})
    assert len(idle.equity) == 3


def test_borrow_is_charged_by_the_day() -> None:
    # 10 short at 36: 360 x 10 % x 1 / 360 a day, at the opens of the third to the sixth day
    _, result = flat([36] * 6, plan={1: -10}, costs={"borrow_bps": 1000.0}, risk={"allow_short": True})
    assert result.costs["borrow"] == pytest.approx(0.1 * 4, rel=1e-12)
    assert result.equity.iloc[-1] == pytest.approx(1_000_000 - 0.4, rel=1e-15)


def test_a_fee_per_order_is_paid_once_across_a_reverse_split() -> None:
    # half the volume of 4 fills 2 of 40 a bar; one for ten leaves 0 filled of 3 and is no new order
    rows = [(n * DAY, n * DAY, Kind.BAR, 0, 0, p, p, p, p, 4) for n, p in enumerate((10, 10, 100, 100, 100), 1)]
    rows.append((2 * DAY + HOUR, 2 * DAY + HOUR, Kind.SPLIT, 0, 0, 1, 10, 0, 0, 0))
    result = backtest(Buying(plan={1: 40.0}), whole(rows), costs={"fee_per_order": 5.0, "max_participation": 0.5})
    assert len(result.fills) > 1
    assert result.fills["fee"].tolist() == [5.0] + [0.0] * (len(result.fills) - 1)


def test_an_unknown_rate_of_money_nobody_holds_spoils_nothing() -> None:
    case = Case(3, (Paper("A"), Paper("B", currency="EUR")), (Wish(1, 0, "market", 5, 0),), pair="")
    _, result = run(case)
    assert np.isfinite(result.equity).all()


def test_the_scripts_reach_what_they_are_for() -> None:
    """The random cases can produce each kind of event that the ledger books."""
    case = Case(
        7,
        (Paper("A", level=3000), Paper("B", currency="EUR", level=2000)),
        (Wish(1, 0, "market", -35, 0), Wish(2, 1, "market", 33, 0), Wish(4, 0, "market", 60, 0)),
        (Action(3, 0, "split", 2), Action(3, 1, "dividend", 4), Action(6, 1, "delist", 3)),
        pair="USDEUR",
        costs={"borrow_bps": 100.0, "fee_bps": 1.0},
    )
    ledger, result = checked(case)
    kinds = set(result.audit.records["kind"].tolist())
    assert {Kind.ORDER_FILLED, Kind.CHARGE} <= kinds
    assert ledger.income and ledger.fees and any(trip.quantity % 1 for trip in ledger.round_trips)
    assert {trip.name for trip in ledger.round_trips} == {"A", "B"}
