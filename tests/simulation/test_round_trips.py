"""Round trips by hand: what belongs to them, what ended them, how far they went; and money in the account's currency."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest, sweep
from framework.data.readers import read_bars
from framework.data.tape import build
from framework.engine.view import View
from framework.reports.result import Result
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument, InstrumentKind

Act = Callable[[View], Any]
YEN = {"S": {"currency": "JPY", "tick_size": 0.01}, "P": {"kind": "fx", "base_currency": "USD", "currency": "JPY", "tick_size": 0.0001}}


def days(rows: Sequence[Sequence[float]]) -> pd.DataFrame:
    """Daily bars of (open, high, low, close), a volume of a million."""
    index = pd.date_range("2024-01-02", periods=len(rows), tz="UTC")
    return pd.DataFrame([(*row, 1e6) for row in rows], columns=["open", "high", "low", "close", "volume"], index=index, dtype=float)


def flat(*prices: float) -> pd.DataFrame:
    return days([(p, p, p, p) for p in prices])


class Script(Strategy):
    """What to do on which bar, counted from 1."""

    def __init__(self, acts: Mapping[int, Act]) -> None:
        super().__init__()
        self.acts = acts

    def on_start(self, view: View) -> None:
        self.seen = 0

    def on_bars(self, view: View, bars: Any) -> None:
        self.seen += 1
        self.acts.get(self.seen, lambda view: None)(view)


def run(acts: Mapping[int, Act], data: Any, **settings: Any) -> Result:
    settings.setdefault("cash", 100_000.0)
    return backtest(Script(acts), {"X": data} if isinstance(data, pd.DataFrame) else data, **settings)


def one(result: Result) -> dict[str, Any]:
    [trip] = result.round_trips.to_dict("records")
    return trip


def action(kind: str, value: object, at: str = "2024-01-04T12:00Z") -> pd.DataFrame:
    return pd.DataFrame({"symbol": ["X"], "ts": [pd.Timestamp(at)], "kind": [kind], "value": [value]})


# Money


def two_currencies(costs: Mapping[str, Any] | None = None) -> Result:
    """100 S at 1,500 yen, sold at 1,600 when a dollar is 160 yen: 62.50 dollars. 100 U at 50 dollars, sold at 49: -100."""
    data = {"S": flat(1500, 1500, 1600, 1600, 1600), "U": flat(50, 50, 49, 49, 49), "P": flat(150, 150, 160, 160, 160)}
    acts: dict[int, Act] = {1: lambda v: [v.buy(s, 100) for s in "SU"], 3: lambda v: [v.sell(s, 100) for s in "SU"]}
    return run(acts, data, instrument_specs={**YEN, "U": {"tick_size": 0.01}}, costs=costs)


def test_yen_and_dollars_are_not_added_up() -> None:
    result = two_currencies()
    assert result.metrics["profit_factor"] == pytest.approx(0.625)
    assert result.round_trips.set_index("instrument")["pnl"].to_dict() == {"S": 62.5, "U": -100.0}
    assert result.round_trips.set_index("instrument")["pnl_local"].to_dict() == {"S": 10_000.0, "U": -100.0}
    assert result.trades.set_index("instrument")[["pnl", "pnl_local"]].to_numpy().tolist() == [[62.5, 10_000.0], [-100.0, -100.0]]
    assert result.trades["currency"].tolist() == ["JPY", "USD"]
    assert result.equity.iloc[-1] == pytest.approx(100_000 + 62.5 - 100)


def test_fees_notionals_and_slippage_are_at_the_rate_of_their_fill() -> None:
    """Ten and five basis points: of 150,000 yen at 150 a dollar, of 160,000 at 160; 1,000 dollars both times."""
    result = two_currencies({"fee_bps": 10.0, "half_spread_bps": 5.0})
    yen = result.fills[result.fills["instrument"] == "S"]
    assert yen["fx_rate"].tolist() == pytest.approx([1 / 150, 1 / 160])
    assert yen["fee"].tolist() == pytest.approx([1.0, 1.0])
    assert yen["fee_local"].tolist() == pytest.approx([150.0, 160.0])
    assert yen["slippage"].tolist() == pytest.approx([0.5, 0.5])
    assert yen["slippage_local"].tolist() == pytest.approx([75.0, 80.0])
    assert yen["notional"].tolist() == pytest.approx([1000.5, 999.5])
    assert yen["notional_local"].tolist() == pytest.approx([150_075.0, 159_920.0])
    orders = result.orders[result.orders["instrument"] == "S"]
    assert orders["fees"].tolist() == pytest.approx([1.0, 1.0]) and orders["fees_local"].tolist() == pytest.approx([150.0, 160.0])
    assert result.fills["fee"].sum() == pytest.approx(result.costs["fee"])
    trip = result.round_trips.set_index("instrument").loc["S"]
    assert trip["pnl_local"] == pytest.approx(10_000 - 155 - 310) and trip["fees_local"] == pytest.approx(310.0)
    assert trip["pnl"] == pytest.approx((10_000 - 155 - 310) / 160)  # what the yen that are left are worth


class Shuttle(Strategy):
    """Buys a hundred of each and sells them, over and over."""

    pause: int = 3

    def on_start(self, view: View) -> None:
        self.seen = 0

    def on_bars(self, view: View, bars: Any) -> None:
        self.seen += 1
        if self.seen % self.pause == 0:
            for symbol in ("S", "U"):
                view.target_quantity(symbol, 0.0 if view.position(symbol) else 100.0)


def test_rows_of_a_sweep_have_the_same_figures() -> None:
    random = np.random.default_rng(5)
    walks = {s: flat(*np.round(p * np.exp(np.cumsum(random.normal(0, 0.02, 60))), 2)) for s, p in {"S": 1500, "U": 50, "P": 150}.items()}
    walks["S"].index = walks["S"].index - pd.Timedelta(hours=1)
    tape = read_bars(walks, instrument_specs={**YEN, "U": {"tick_size": 0.01}}, actions=None)
    table = sweep(Shuttle, {"pause": [2, 3]}, tape, costs={"fee_bps": 5.0}, progress=False).table
    for _, row in table.iterrows():
        single = backtest(Shuttle(pause=row["pause"]), tape, costs={"fee_bps": 5.0})
        assert 5 < row["round_trips"] == len(single.round_trips) and row["trades"] == len(single.trades)
        for name in ("turnover", "hit_rate", "profit_factor"):
            assert row[name] == pytest.approx(single.metrics[name], rel=1e-12), name
        years = (single.equity.index[-1] - single.equity.index[0]) / pd.Timedelta(days=365.25)
        assert row["turnover"] == pytest.approx(single.fills["notional"].sum() / 2 / single.equity.mean() / years)
        assert single.fills["notional"].max() < 10_000  # dollars, not yen


# What is one round trip


def test_adding_and_reducing_stay_inside_and_a_reversal_ends_one() -> None:
    acts: dict[int, Act] = {
        **{1: lambda v: v.buy("X", 10), 2: lambda v: v.buy("X", 20), 3: lambda v: v.sell("X", 15)},
        **{4: lambda v: v.sell("X", 25), 5: lambda v: v.buy("X", 10)},
    }
    result = run(acts, flat(100, 100, 110, 120, 130, 125, 125), risk={"allow_short": True}, costs={"fee_per_share": 0.1})
    first, second = result.round_trips.to_dict("records")
    # 10 at 100 and 20 at 110; 15 sold at 120, 15 of 25 at 130; the other 10 begin a short, bought back at 125
    assert (first["side"], first["quantity"], first["lots"]) == ("BUY", 30.0, 3)
    assert (first["entry_price"], first["exit_price"]) == (pytest.approx(3200 / 30), pytest.approx(125.0))
    assert first["fees"] == pytest.approx(6.0) and first["pnl"] == pytest.approx(15 * 120 + 15 * 130 - 3200 - 6)
    assert (second["side"], second["quantity"], second["lots"]) == ("SELL", 10.0, 1)
    assert second["fees"] == pytest.approx(2.0) and second["pnl"] == pytest.approx(50 - 2)
    assert first["exit_ts"] == second["entry_ts"] == result.fills["ts"].iloc[3]
    assert first["duration"] == pd.Timedelta(days=3) and second["duration"] == pd.Timedelta(days=1)
    assert result.trades["round_trip"].tolist() == [0, 0, 0, 1]
    assert result.round_trips["pnl"].sum() == pytest.approx(result.equity.iloc[-1] - 100_000)
    assert result.metrics["round_trips"] == 2 and result.metrics["trades"] == 4


def test_what_is_still_open_is_not_told() -> None:
    result = run({1: lambda v: v.buy("X", 10), 2: lambda v: v.sell("X", 4)}, flat(100, 100, 120, 50))
    assert len(result.round_trips) == 0 and result.trades["round_trip"].tolist() == [-1]
    assert np.isnan(result.metrics["hit_rate"]) and result.metrics["round_trips"] == 0


def test_nothing_traded() -> None:
    result = run({}, flat(100, 100))
    assert len(result.round_trips) == 0 and "mae" in result.round_trips.columns


# What belongs to them


def test_a_trade_that_wins_by_its_dividend() -> None:
    result = run({1: lambda v: v.buy("X", 10), 3: lambda v: v.sell("X", 10)}, flat(100, 100, 96, 96), actions=action("dividend", 5.0))
    trip = one(result)
    assert (trip["dividends"], trip["pnl"]) == (50.0, 10.0) and result.metrics["hit_rate"] == 1.0
    assert result.trades["pnl"].tolist() == [-40.0]  # a lot, as a tax return has it


def test_a_dividend_is_converted_at_the_rate_at_which_it_was_paid() -> None:
    """100 S lose 24 yen each, 15 dollars at 160, and pay 16, 10 dollars; a dollar was 150 yen when they were bought."""
    data = {"S": flat(1500, 1500, 1500, 1476), "P": flat(150, 150, 160, 160)}
    acts: dict[int, Act] = {1: lambda v: v.buy("S", 100), 3: lambda v: v.sell("S", 100)}
    result = run(acts, data, instrument_specs=YEN, actions=action("dividend", 16.0).assign(symbol="S"))
    trip = one(result)
    assert (trip["dividends"], trip["pnl"]) == (10.0, -5.0)
    assert (trip["dividends_local"], trip["pnl_local"]) == (1600.0, -800.0)
    assert result.equity.iloc[-1] == pytest.approx(100_000 - 5)


def test_a_short_pays_dividend_and_borrow() -> None:
    index = pd.to_datetime(["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10"])  # Thursday to Wednesday
    data = flat(100, 100, 110, 120, 120).set_axis(index)
    acts: dict[int, Act] = {1: lambda v: v.sell("X", 100), 3: lambda v: v.buy("X", 100)}
    told = action("dividend", 2.0, "2024-01-08T09:30-05:00")
    result = run(acts, data, calendar="XNYS", tick_size=0.01, risk={"allow_short": True}, costs={"borrow_bps": 3600}, actions=told)
    trip = one(result)
    # sold at 100 on Friday, bought back at 120 on Tuesday; three nights at 100 and one at 110, 10 bps a night; the dividend is not ours
    assert trip["dividends"] == -200.0
    assert trip["charges"] == pytest.approx(0.001 * 100 * (300 + 110)) == pytest.approx(result.costs["borrow"])
    assert trip["pnl"] == pytest.approx(-2000 - 200 - 41) == pytest.approx(result.equity.iloc[-1] - 100_000)


def test_funding_belongs_to_the_position_it_was_paid_for() -> None:
    """Two perpetuals; a rate of 1 % is told while one of them is held, and again when it is not."""
    start = pd.Timestamp("2024-01-02", tz="UTC").value
    events = np.zeros(2, EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = [start + 2 * 86_400 * 10**9 + 10**9, start + 4 * 86_400 * 10**9 + 10**9]
    events["kind"], events["w0"] = Kind.FUNDING, 10**7
    known = {name: Instrument(name, kind=InstrumentKind.PERPETUAL) for name in ("X", "Y")}
    events["instrument"] = 0
    tape = build({name: flat(100, 100, 100, 100, 100, 100) for name in known}, known, extra=events, name="funding")
    acts: dict[int, Act] = {1: lambda v: [v.buy("X", 10), v.buy("Y", 10)], 3: lambda v: [v.sell("X", 10), v.sell("Y", 10)]}
    result = backtest(Script(acts), tape, cash=100_000.0)
    assert result.round_trips.set_index("instrument")["charges"].to_dict() == {"X": 10.0, "Y": 0.0}
    assert result.round_trips.set_index("instrument")["pnl"].to_dict() == {"X": -10.0, "Y": 0.0}


def test_the_tax_on_the_sale_that_ends_it_belongs_to_it() -> None:
    index = pd.to_datetime(["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10"])
    acts: dict[int, Act] = {1: lambda v: v.buy("X", 100), 2: lambda v: v.sell("X", 150), 3: lambda v: v.buy("X", 50)}
    data = flat(100, 100, 100, 100, 100).set_axis(index)
    result = run(acts, data, calendar="XNYS", tick_size=0.01, risk={"allow_short": True}, costs={"us_regulatory": True})
    assert result.costs["tax"] > 0
    assert result.round_trips["charges"].tolist() == [result.costs["tax"], 0.0]
    assert result.round_trips["pnl"].tolist() == [-result.costs["tax"], 0.0]


# What ended them


@pytest.mark.parametrize(
    ("enter", "leave", "reason"),
    [
        (lambda v: v.buy("X", 10), lambda v: v.sell("X", 10), "MARKET"),
        (lambda v: v.buy("X", 10), lambda v: v.order("X", -10, limit=104.0), "LIMIT"),
        (lambda v: v.buy("X", 10), lambda v: v.order("X", -10, stop=97.0), "STOP_LOSS"),
        (lambda v: v.buy("X", 10), lambda v: v.order("X", -10, trail=2.0), "TRAILING_STOP"),
        (lambda v: v.bracket("X", 10, target=104.0, loss=50.0), lambda v: None, "TAKE_PROFIT"),
        (lambda v: v.bracket("X", 10, target=150.0, loss=97.0), lambda v: None, "STOP_LOSS"),
    ],
)
def test_exit_reasons(enter: Act, leave: Act, reason: str) -> None:
    data = days([(100, 100, 100, 100), (100, 101, 99, 100), (100, 105, 96, 99), (99, 99, 99, 99)])
    assert one(run({1: enter, 2: leave}, data))["exit_reason"] == reason


def test_a_reverse_split_that_leaves_nothing_and_a_delisting_end_them() -> None:
    trip = one(run({1: lambda v: v.buy("X", 3)}, flat(10, 10, 10, 100), actions=action("split", "1:10")))
    assert (trip["exit_reason"], trip["pnl"]) == ("SPLIT", pytest.approx(0.0))
    trip = one(run({1: lambda v: v.buy("X", 3)}, flat(10, 10, 10), actions=action("delist", 4.0)))
    assert (trip["exit_reason"], trip["pnl"], trip["mae"]) == ("DELISTING", -18.0, -18.0)


# How far they went


def test_excursions_count_what_was_told_while_it_was_held() -> None:
    """Bought at the open of the second bar, sold at the open of the fifth, whose range is no longer ours."""
    data = days([(100, 180, 20, 100), (100, 103, 98, 101), (101, 108, 99, 104), (104, 105, 95, 97), (99, 190, 10, 99), (99, 200, 1, 99)])
    trip = one(run({1: lambda v: v.buy("X", 10), 4: lambda v: v.sell("X", 10)}, data))
    assert (trip["pnl"], trip["mae"], trip["mfe"]) == (-10.0, -50.0, 80.0)


@pytest.mark.parametrize(
    ("order", "mae", "mfe"),
    [
        (lambda v: v.order("X", 10, limit=98.0), -30.0, 20.0),  # came down through 98 to the low of 95, closed at 100
        (lambda v: v.order("X", 10, stop=102.0), -20.0, 30.0),  # went up through 102 to the high of 105
        (lambda v: v.buy("X", 10), -50.0, 50.0),  # at the open: all of the bar
    ],
)
def test_of_the_bar_of_the_entry_only_what_came_after_it_counts(order: Act, mae: float, mfe: float) -> None:
    data = days([(100, 100, 100, 100), (100, 105, 95, 100), (100, 100, 100, 100), (100, 100, 100, 100)])
    trip = one(run({1: order, 2: lambda v: v.sell("X", 10)}, data))
    assert (trip["mae"], trip["mfe"]) == (mae, mfe)


def test_of_the_bar_of_the_exit_only_the_open_and_the_exit_count() -> None:
    data = days([(100, 100, 100, 100), (100, 100, 100, 100), (102, 120, 80, 110), (110, 110, 110, 110)])
    trip = one(run({1: lambda v: v.buy("X", 10), 2: lambda v: v.order("X", -10, stop=97.0)}, data))
    assert (trip["mae"], trip["mfe"], trip["pnl"]) == (-30.0, 20.0, -30.0)


def test_shorts_and_changes_of_size() -> None:
    """10 sold at 100; at 104 10 more; at 90 all bought back. Lows are good, highs bad, and twice as much so with twice as many."""
    data = days([(100, 100, 100, 100), (100, 103, 99, 102), (104, 106, 98, 100), (90, 90, 90, 90), (90, 300, 1, 90)])
    acts: dict[int, Act] = {1: lambda v: v.sell("X", 10), 2: lambda v: v.sell("X", 10), 3: lambda v: v.buy("X", 20)}
    trip = one(run(acts, data, risk={"allow_short": True}))
    assert (trip["mae"], trip["mfe"], trip["pnl"]) == (-(60.0 + 20.0), 240.0, 240.0)


@pytest.mark.parametrize("at", ["2024-01-04T00:00Z", "2024-01-04T12:00Z"])
def test_a_split_inside_restates_what_follows(at: str) -> None:
    """10 at 100 become 20; the high of 56 after it is worth 112 before it. The bar that ends as it comes is one of before."""
    data = days([(100, 100, 100, 100), (100, 102, 97, 100), (100, 100, 94, 100), (50, 56, 48, 50), (50, 50, 50, 50)])
    acts: dict[int, Act] = {1: lambda v: v.buy("X", 10), 4: lambda v: v.sell("X", 20)}
    trip = one(run(acts, data, tick_size=0.01, actions=action("split", "2:1", at)))
    assert (trip["pnl"], trip["mae"], trip["mfe"]) == (0.0, -60.0, 120.0)


def test_an_inverse_contract() -> None:
    """100 contracts of a dollar at 100, sold at 125: a coin less 0.8. At the low of 80 they stood a quarter of a coin lower."""
    known = {"X": Instrument("X", kind=InstrumentKind.PERPETUAL, inverse=True, base_currency="BTC")}
    data = days([(100, 100, 100, 100), (100, 110, 80, 100), (125, 125, 125, 125), (125, 125, 125, 125)])
    tape = build({"X": data}, known, name="inverse")
    acts: dict[int, Act] = {1: lambda v: v.buy("X", 100), 2: lambda v: v.sell("X", 100)}
    trip = one(backtest(Script(acts), tape, cash=10.0, currency="BTC", risk={"max_leverage": 5.0}))
    assert (trip["entry_price"], trip["exit_price"], trip["currency"]) == (pytest.approx(100.0), pytest.approx(125.0), "BTC")
    assert (trip["pnl"], trip["mae"], trip["mfe"]) == pytest.approx((0.2, -0.25, 0.2))


class OnTicks(Script):
    """The same, counted in quotes or messages of a book of "X"."""

    def on_bars(self, view: View, bars: Any) -> None:
        pass

    def on_quote(self, view: View, quote: Any) -> None:
        Script.on_bars(self, view, quote)

    def on_book(self, view: View, book: Any) -> None:
        Script.on_bars(self, view, book)


@pytest.mark.parametrize("kind", ["quotes", "book", "a book that is lost meanwhile"])
def test_a_book_tells_as_much_as_the_same_prices_told_by_quotes(kind: str) -> None:
    # 10 bought at 100.01 and sold at 100.49; mids of 95 and 110 in between. The stock beside it has bars, and a split that is no price.
    rows = []
    for k, (bid, ask) in enumerate([(9999, 10001)] * 2 + [(9499, 9501), (10999, 11001)] + [(10049, 10051)] * 3):
        at = pd.Timestamp("2024-01-02T10:00Z").value + k * 10**10
        if kind == "quotes":
            rows.append((at, at, Kind.QUOTE, 0, 0, bid, ask, 50, 50, 0))
            continue
        rows.append((at, at, Kind.DEPTH, Flag.BUY | Flag.SNAPSHOT | Flag.CLEAR, 0, bid, 50, 0, 0, 0))
        rows.append((at, at, Kind.DEPTH, Flag.SELL | Flag.SNAPSHOT | Flag.LAST, 0, ask, 50, 0, 0, 0))
        if kind != "book" and k == 3:  # prices of an unknown book are not told: a bid of 150 here is none
            rows.append((at + 1, at + 1, Kind.GAP, 0, 0, 0, 0, 0, 0, 0))
            rows.append((at + 2, at + 2, Kind.DEPTH, Flag.BUY | Flag.LAST, 0, 15000, 50, 0, 0, 0))
    known = {"X": Instrument("X"), "Y": Instrument("Y")}
    split = pd.DataFrame({"symbol": ["Y"], "ts": [pd.Timestamp("2024-01-03T12:00Z")], "kind": ["split"], "value": ["2:1"]})
    tape = build({"Y": flat(100, 100, 50, 50)}, known, extra=np.array(rows, dtype=EVENT), actions=split, name="ticks")
    last = 5 if kind != "a book that is lost meanwhile" else 6
    trip = one(backtest(OnTicks({1: lambda v: v.buy("X", 10), last: lambda v: v.sell("X", 10)}), tape))
    assert (trip["entry_price"], trip["exit_price"], trip["pnl"]) == pytest.approx((100.01, 100.49, 4.8))
    assert (trip["mae"], trip["mfe"]) == pytest.approx((-50.10, 99.90))


def test_bars_beside_a_book_are_told_more_finely_by_it() -> None:
    # the bar's low of 80 and high of 120 count where there is no book; where there is one, its mids of 99 and 102 do
    index = pd.to_datetime(["2024-01-02T10:01Z", "2024-01-02T10:02Z", "2024-01-02T10:03Z", "2024-01-02T10:04Z"])
    bars = days([(100, 100, 100, 100), (100, 100, 100, 100), (100, 120, 80, 100), (100, 100, 100, 100)]).set_axis(index)
    rows = []
    for second, mid in ((90, 100), (130, 99), (140, 102), (230, 100)):
        at = pd.Timestamp("2024-01-02T10:00Z").value + second * 10**9
        for side, price in ((Flag.BUY | Flag.CLEAR, 100 * mid - 1), (Flag.SELL | Flag.LAST, 100 * mid + 1)):
            rows.append((at, at, Kind.DEPTH, side | Flag.SNAPSHOT, 0, price, 50, 0, 0, 0))
    found = {}
    for name, extra in (("bars", None), ("both", np.array(rows, dtype=EVENT))):
        tape = build({"X": bars}, {"X": Instrument("X")}, extra=extra, name=name)
        trip = one(backtest(Script({1: lambda v: v.buy("X", 10), 3: lambda v: v.sell("X", 10)}), tape))
        found[name] = (trip["entry_price"], trip["mae"], trip["mfe"])
    assert found["bars"] == pytest.approx((100.0, -200.0, 200.0))
    assert found["both"] == pytest.approx((100.01, -10.10, 19.90))


def test_an_order_for_the_close_has_nothing_of_its_bar() -> None:
    index = pd.to_datetime(["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09"])
    data = days([(100, 100, 100, 100), (100, 120, 80, 101), (101, 103, 100, 102), (102, 110, 90, 102)]).set_axis(index)
    acts: dict[int, Act] = {1: lambda v: v.order("X", 10, time_in_force="AT_CLOSE"), 3: lambda v: v.sell("X", 10)}
    trip = one(run(acts, data, calendar="XNYS", tick_size=0.01))
    assert trip["entry_price"] == 101.0
    assert (trip["mae"], trip["mfe"]) == (-10.0, 20.0)


def test_excursions_in_the_account_s_currency_are_at_the_rate_of_the_exit() -> None:
    data = {"S": days([(1500,) * 4, (1500, 1560, 1420, 1500), (1500,) * 4, (1500,) * 4]), "P": flat(150, 160, 160, 160)}
    result = run({1: lambda v: v.buy("S", 100), 2: lambda v: v.sell("S", 100)}, data, instrument_specs=YEN)
    assert (one(result)["mae"], one(result)["mfe"]) == (-8000 / 160, 6000 / 160)


# Against a plain walk over the bars


class Busy(Strategy):
    """Orders of every kind at random, often several at once."""

    seed: int = 0

    def on_start(self, view: View) -> None:
        self.random = np.random.default_rng(self.seed)

    def on_bar(self, view: View, bar: Any) -> None:
        for _ in range(int(self.random.integers(0, 3))):
            size, kind = int(self.random.integers(1, 40)), int(self.random.integers(4))
            side, away = (1 if self.random.random() < 0.5 else -1), float(self.random.integers(0, 8)) / 2
            if kind == 0:
                view.target_quantity(bar.instrument, 0.0)
            elif kind == 1:
                view.order(bar.instrument, side * size)
            elif kind == 2:
                view.order(bar.instrument, side * size, limit=bar.close - side * away)
            else:
                view.order(bar.instrument, side * size, stop=bar.close + side * away)


def walk(frame: pd.DataFrame, fills: pd.DataFrame) -> list[tuple[float, float]]:
    """(adverse, favourable) of each round trip of one instrument by the rule, bar by bar."""
    done, held, paid, worth = [], 0.0, 0.0, [0.0]
    for stamp, bar in frame.iterrows():
        mine = fills[fills["ts"] == stamp].to_dict("records")
        if mine and held:
            worth.append(held * bar["open"] - paid)
        for fill in mine:
            change = fill["quantity"] if fill["side"] == "BUY" else -fill["quantity"]
            closes = change if held * (held + change) >= 0 else -held
            for part in (closes, change - closes):
                if part:
                    held, paid = held + part, paid + part * fill["price"]
                    worth.append(held * fill["price"] - paid)
                    if not held:
                        done.append((min(worth), max(worth)))
                        paid, worth = 0.0, [0.0]
        if held and mine:
            at = mine[-1]["price"]
            seen = [bar["close"], *([bar["low"]] if at <= bar["open"] else []), *([bar["high"]] if at >= bar["open"] else [])]
        else:
            seen = [bar["low"], bar["high"]]
        worth += [held * price - paid for price in seen if held]
    return done


@pytest.mark.parametrize("seed", range(6))
def test_a_plain_walk_finds_the_same_excursions(seed: int) -> None:
    random = np.random.default_rng(seed)
    frames = {}
    for symbol in ("A", "B"):
        close = 100 + np.cumsum(random.integers(-4, 5, 250)) / 2.0
        opens = close + random.integers(-3, 4, 250) / 2.0
        high, low = np.maximum(opens, close) + random.integers(0, 6, 250) / 2.0, np.minimum(opens, close) - random.integers(0, 6, 250) / 2.0
        frames[symbol] = days(np.column_stack((opens, high, low, close)).tolist())
        frames[symbol]["volume"] = 100.0
    risk, costs = {"allow_short": True, "max_leverage": 5.0}, {"max_participation": 0.25}
    result = backtest(Busy(seed=seed), frames, risk=risk, costs=costs, cash=1e5, tick_size=0.5)
    assert len(result.round_trips) > 20
    for symbol, frame in frames.items():
        trips = result.round_trips[result.round_trips["instrument"] == symbol]
        found = walk(frame, result.fills[result.fills["instrument"] == symbol])
        assert trips["mae"].tolist() == pytest.approx([low for low, _ in found], abs=1e-9)
        assert trips["mfe"].tolist() == pytest.approx([high for _, high in found], abs=1e-9)


def quotes(late_ns: int) -> Any:
    """Quotes a second apart, a tick of 1 wide; known `late_ns` after they happened."""
    mids = (100, 100, 103, 97, 101, 110, 90)
    events = np.zeros(len(mids), EVENT)
    events["ts_venue_ns"] = pd.Timestamp("2024-01-02", tz="UTC").value + np.arange(len(mids)) * 10**9
    events["ts_local_ns"] = events["ts_venue_ns"] + late_ns
    events["kind"], events["w2"], events["w3"] = Kind.QUOTE, 1000, 1000
    events["w0"], events["w1"] = np.array(mids) * 100 - 50, np.array(mids) * 100 + 50
    return build({}, {"X": Instrument("X")}, extra=events, name="quotes")


class OnQuotes(Script):
    """The same on quotes."""

    def on_quote(self, view: View, quote: Any) -> None:
        self.on_bars(view, quote)


@pytest.mark.parametrize("late_ns", [0, 10**8])
def test_on_quotes_the_mid_counts(late_ns: int) -> None:
    """Bought at 100.50 on the second quote; sold at 100.50 on the fifth: mids of 103 and 97 between."""
    result = backtest(OnQuotes({1: lambda v: v.buy("X", 10), 4: lambda v: v.sell("X", 10)}), quotes(late_ns), cash=1e5)
    trip = one(result)
    assert (trip["entry_price"], trip["exit_price"]) == (100.5, 100.5)
    assert (trip["mae"], trip["mfe"]) == (-35.0, 25.0)
