"""Market makers and order-book pressure: what they order, by hand, and compiled against Python."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from framework import State, Strategy, backtest, compiled
from framework.data.tape import Tape, build
from framework.engine.market import Quote
from framework.engine.view import View
from framework.errors import StrategyError
from framework.schema.instrument import Instrument
from framework.schema.units import Step
from strategies.market_making import AvellanedaStoikov, Grid
from strategies.order_book_pressure import OrderBookPressure
from tests.tapes.ticks import events_of, read_ticks

NOON_NS = 1_704_110_400_000_000_000
SECOND = 1_000_000_000
SHORT = {"allow_short": True}


def drawn(lines: str) -> Tape:
    """One line a second from noon on; the first at 12:00:00."""
    acme = Instrument("ACME")
    rows = [
        events_of(read_ticks(line.split()), NOON_NS + k * SECOND, NOON_NS + k * SECOND, 0, acme)
        for k, line in enumerate(lines.strip().splitlines())
    ]
    return build({}, {"ACME": acme}, extra=np.concatenate(rows))


def market(seed: int = 4, seconds: int = 400) -> Tape:
    """Two instruments with books of three levels that wander, and trades of both sides that go one to three ticks deep."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(2):
        middle = 10_000 + np.cumsum(random.integers(-1, 2, seconds))
        for k in range(seconds):
            stamp = NOON_NS + k * SECOND + number
            sizes = random.integers(1, 20, 6)
            levels = (
                [f"{(middle[k] - 2 - j) / 100} x {sizes[j]}" for j in range(3)],
                [f"{(middle[k] + 2 + j) / 100} x {sizes[3 + j]}" for j in range(3)],
            )
            line = f"book {', '.join(levels[0])} / {', '.join(levels[1])}"
            depth, side = random.integers(1, 5), random.choice(["BUY", "SELL"])
            trade = f"trade {(middle[k] + (depth if side == 'BUY' else -depth)) / 100} x {random.integers(1, 9)} {side}"
            for text, at in ((line, stamp), (trade, stamp + SECOND // 2)):
                rows.append(events_of(read_ticks(text.split()), at, at, number, Instrument("A")))
    return build({}, {"A": Instrument("A"), "B": Instrument("B")}, extra=np.concatenate(rows))


MADE: list[tuple[type[Strategy], dict[str, float]]] = [
    (AvellanedaStoikov, {"sigma": 0.3, "k": 50.0, "gamma": 0.5, "size": 3.0, "most": 12.0, "horizon_s": 300.0}),
    (Grid, {"half_spread": 0.02, "step": 0.01, "levels": 3, "size": 2.0, "most": 8.0}),
    (Grid, {"half_spread": 0.02, "step": 0.02, "levels": 2, "drift": 0.02, "every_s": 5.0}),
    (OrderBookPressure, {"levels": 3, "entry": 0.3, "most_spread_ticks": 4.0, "hold_s": 20.0}),
]


@pytest.mark.parametrize(("cls", "parameters"), MADE, ids=lambda value: value.__name__ if isinstance(value, type) else "")
def test_compiled_is_python(cls: type[Strategy], parameters: dict[str, float]) -> None:
    tape = market()
    fast = backtest(cls(**parameters), tape, risk=SHORT, costs={"fee_bps": 0.1})
    slow = backtest(cls.python(**parameters), tape, risk=SHORT, costs={"fee_bps": 0.1})
    assert len(fast.fills) > 20 and fast.fills["instrument"].nunique() == 2
    assert fast.audit_hash == slow.audit_hash
    assert backtest(cls(**parameters), tape, risk=SHORT, costs={"fee_bps": 0.1}, chunk_events=97).audit_hash == fast.audit_hash


@pytest.mark.parametrize(("cls", "parameters"), MADE[:3], ids=lambda value: value.__name__ if isinstance(value, type) else "")
def test_a_maker_never_takes_and_stays_within_its_limit(cls: type[Strategy], parameters: dict[str, float]) -> None:
    result = backtest(cls(**parameters), market(), risk=SHORT)
    most = parameters.get("most", cls.most)  # type: ignore[attr-defined]
    assert set(result.fills["liquidity"].astype(str)) == {"maker"}
    for _, fills in result.fills.groupby("instrument", observed=True):
        held = (np.where(fills["side"].astype(str) == "BUY", 1.0, -1.0) * fills["quantity"]).cumsum()
        assert 0 < held.abs().max() <= most


@compiled
class Steps(Strategy):
    """Keeps the smallest steps of the instrument of the last book."""

    tick: State[float] = 0.0
    lot: State[float] = 0.0

    def on_book(self, view: View, book: Quote) -> None:
        self.tick, self.lot = view.tick(book.instrument), view.lot(book.instrument)


def test_compiled_hooks_know_tick_and_lot() -> None:
    rows = events_of(read_ticks(["book", "98", "x", "5", "/", "102", "x", "5"]), NOON_NS, NOON_NS, 0, Instrument("ACME"))
    tape = build({}, {"ACME": Instrument("ACME", tick=Step(1, 20), lot=Step(3, 10))}, extra=rows)
    for strategy in (Steps(), Steps.python()):
        backtest(strategy, tape)
        assert (strategy.tick, strategy.lot) == (0.05, 0.3)  # type: ignore[attr-defined]


def limits(result: object, at: str) -> dict[str, float]:
    """Limit prices by side of the orders decided at a time."""
    orders: pd.DataFrame = result.orders  # type: ignore[attr-defined]
    rows = orders[orders["decided_at"].dt.strftime("%H:%M:%S") == at]
    return dict(zip(rows["side"].astype(str), rows["limit_price"], strict=True))


def test_avellaneda_stoikov_leans_against_what_it_holds() -> None:
    """gamma 0.5, sigma 0.4, k 2: variance 0.08 at the start of a horizon; spread 0.08 + 4 ln 1.25 = 0.97257, half of it 0.48629.

    It looks at noon and at midnight, 432 horizons later.
    """
    maker = AvellanedaStoikov(gamma=0.5, sigma=0.4, k=2.0, most=1.0, horizon_s=100.0, every_s=43_200.0)
    book = "book 98 x 5 / 102 x 5"
    assert limits(backtest(maker, drawn(book), risk=SHORT), "12:00:00") == {"BUY": 99.51, "SELL": 100.49}  # from 99.5137 and 100.4863
    result = backtest(maker, drawn(f"{book}\ntrade 99 x 1 SELL"), risk=SHORT)
    assert result.fills["price"].tolist() == [99.51]
    # one is held: r = 100 - 0.08, so the ask moves to 100.4063, rounded up; a bid would lead beyond 1
    assert limits(result, "12:00:00") == {"BUY": 99.51, "SELL": 100.41} and len(result.orders) == 2


def test_a_quote_is_kept_away_from_taking() -> None:
    """Half a spread of 0.0005 in a market of one tick: the quotes stand at the best prices and do not cross."""
    tape = drawn("""
        book 99.99 x 5 / 100.00 x 5
        trade 99.99 x 1 SELL
    """)
    result = backtest(AvellanedaStoikov(gamma=0.001, sigma=0.001, k=2000.0), tape, risk=SHORT)
    assert limits(result, "12:00:00") == {"BUY": 99.99, "SELL": 100.0}


def test_without_a_book_nothing_is_quoted() -> None:
    tape = drawn("""
        book 98 x 5 / 102 x 5
        GAP
        trade 90 x 9 SELL
    """)
    result = backtest(AvellanedaStoikov(), tape, risk=SHORT)
    assert result.orders["reason"].astype(str).tolist() == ["USER", "USER"]
    assert result.orders["done_at"].dt.strftime("%H:%M:%S").tolist() == ["12:00:01", "12:00:01"]


def test_the_grid_stands_until_the_mid_drifts() -> None:
    tape = drawn("""
        book 98 x 5 / 102 x 5
        bid 98.02 x 5
        bid 98.08 x 5
    """)
    result = backtest(Grid(half_spread=0.5, step=0.25, levels=2, drift=0.02), tape, risk=SHORT)
    found = [(str(row.side), row.limit_price) for row in result.orders.itertuples()]
    assert found == [
        *(("BUY", 99.5), ("SELL", 100.5), ("BUY", 99.25), ("SELL", 100.75)),  # around 100; 100.01 is within the drift
        *(("BUY", 99.54), ("SELL", 100.54), ("BUY", 99.29), ("SELL", 100.79)),  # around 100.04
    ]


def test_order_book_pressure_enters_and_leaves() -> None:
    """Entry 0.5: pressure and flow up at the second message; at the fourth offers outweigh."""
    tape = drawn("""
        book 99.99 x 2 / 100.00 x 2
        bid 99.99 x 8
        ask 100.00 x 3
        bid 99.99 x 2
        ask 100.00 x 9
        ask 100.00 x 2
    """)
    # pressure 0, 6/10, 5/11, -1/5, -7/11, 0; flow +6, then less 1, less 6, less 6: in at the 2nd, out at the 4th, short from the 5th
    result = backtest(OrderBookPressure(levels=1, entry=0.5, size=1.0), tape, risk=SHORT)
    found = [(row.decided_at.strftime("%S"), str(row.side)) for row in result.orders.itertuples()]
    assert found == [("01", "BUY"), ("03", "SELL"), ("04", "SELL"), ("05", "BUY")]


def test_pressure_against_the_flow_is_left_alone() -> None:
    """The book is heavy on the bid because offers were lifted to a thinner level, but bids are being withdrawn."""
    tape = drawn("""
        book 99.99 x 20 / 100.00 x 2
        bid 99.99 x 12
        bid 99.99 x 9
    """)
    assert not len(backtest(OrderBookPressure(levels=1, entry=0.5), tape, risk=SHORT).orders)


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (AvellanedaStoikov(gamma=0.0), "gamma must be above 0, got 0.0"),
        (Grid(levels=0), "levels >= 1"),
        (OrderBookPressure(entry=0.1, exit=0.2), "exit < entry"),
    ],
)
def test_settings_that_cannot_be(strategy: Strategy, message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        backtest(strategy, drawn("book 98 x 5 / 102 x 5"))
