"""What a strategy sees of the past, bar by bar, against numpy over the whole array: law 7, step equals batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from framework import Strategy, backtest
from framework.data.tape import Tape, build
from framework.engine.market import Bar
from framework.engine.view import View
from framework.errors import InputError
from framework.reports.result import Result
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step

HOUR = 3_600_000_000_000
WINDOWS = (1, 2, 3, 7, 16)


@dataclass
class Actions:
    """After which bar (counted from 1) what happens: a split's new and old shares, a dividend in ticks."""

    splits: dict[int, tuple[int, int]] = field(default_factory=dict)
    dividends: dict[int, int] = field(default_factory=dict)


def market(count: int = 60, seed: int = 5) -> NDArray[np.int64]:
    """Bars in ticks and lots, shape (count, 5)."""
    generator = np.random.default_rng(seed)
    close = 10_000 + np.cumsum(generator.integers(-150, 151, count))
    opening = close + generator.integers(-50, 51, count)
    high, low = np.maximum(close, opening) + 20, np.minimum(close, opening) - 20
    return np.stack([opening, high, low, close, generator.integers(1, 5000, count)], axis=1)


def tape_of(bars: NDArray[np.int64], actions: Actions | None = None, tick: Step = Step(1, 100)) -> Tape:
    chosen = actions or Actions()
    rows: list[tuple[int, ...]] = [(n * HOUR, n * HOUR, Kind.BAR, 0, 0, *bar) for n, bar in enumerate(bars.tolist(), 1)]
    rows += [(n * HOUR + 1, n * HOUR + 1, Kind.SPLIT, 0, 0, *ratio, 0, 0, 0) for n, ratio in chosen.splits.items()]
    nano = 10**9 * tick.numerator // tick.denominator
    rows += [(n * HOUR + 2, n * HOUR + 2, Kind.DIVIDEND, 0, 0, ticks * nano, 0, 0, 0, 0) for n, ticks in chosen.dividends.items()]
    return build({}, {"X": Instrument("X", tick=tick, calendar="24/7")}, extra=np.array(rows, dtype=EVENT))


class Watching(Strategy):
    """Keeps whatever `look` returns at each bar."""

    def watch(self, look: Callable[[View], Any]) -> Watching:
        self.look, self.seen = look, []
        return self

    def on_bar(self, view: View, bar: Bar) -> None:
        self.seen.append(self.look(view))


class Short(Watching):
    history = 16


class Odd(Watching):
    history = 9  # rounded up to 16


def everything(view: View) -> dict[str, Any]:
    found: dict[str, Any] = {"count": view.bar_count("X"), "price": view.price("X")}
    for window in WINDOWS:
        found[f"mean {window}"] = view.mean_close("X", window)
        found[f"std {window}"] = view.std_close("X", window)
        for name in ("open", "high", "low", "close", "volume"):
            found[f"{name} {window}"] = view.past("X", window, name)
    return found


def as_of(bars: NDArray[np.int64], now: int, actions: Actions) -> NDArray[np.float64]:
    """The first `now` bars as they read after bar `now`: prices and volumes restated by every action before it.

    A split of n new for o old multiplies earlier prices by o/n and volumes by n/o; a dividend D after a close C multiplies
    earlier prices by (C - D) / C.
    """
    out = bars[:now].astype(np.float64)
    for after in sorted({*actions.splits, *actions.dividends}):
        if after >= now:
            continue
        earlier = out[:after]
        if after in actions.splits:
            new, old = actions.splits[after]
            earlier[:, :4] *= old / new
            earlier[:, 4] *= new / old
        if after in actions.dividends:
            last = earlier[-1, 3]
            earlier[:, :4] *= (last - actions.dividends[after]) / last
    return out


@pytest.mark.parametrize("kind", [Watching, Short, Odd], ids=["1024 kept", "16 kept", "9 asked, 16 kept"])
@pytest.mark.parametrize(
    "actions",
    [
        Actions(),
        Actions(splits={20: (2, 1)}),
        Actions(splits={5: (7, 1), 6: (1, 10), 41: (3, 2)}, dividends={6: 400, 30: 25, 41: 90}),
    ],
    ids=["plain", "one split", "splits and dividends"],
)
def test_step_equals_batch(kind: type[Watching], actions: Actions) -> None:
    bars = market()
    strategy = kind().watch(everything)
    backtest(strategy, tape_of(bars, actions))
    assert len(strategy.seen) == len(bars)
    for now, seen in enumerate(strategy.seen, 1):
        whole = as_of(bars, now, actions)
        assert seen["count"] == now
        assert seen["price"] == pytest.approx(whole[-1, 3] / 100, rel=1e-15)
        for window in WINDOWS:
            part = whole[-window:]
            for column, name in enumerate(("open", "high", "low", "close", "volume")):
                expected = part[:, column] / (1 if name == "volume" else 100)
                assert seen[f"{name} {window}"] == pytest.approx(expected, rel=1e-13)
            if now < window:
                assert np.isnan(seen[f"mean {window}"]) and np.isnan(seen[f"std {window}"])
                continue
            closes = part[:, 3] / 100
            assert seen[f"mean {window}"] == pytest.approx(closes.mean(), rel=1e-12)
            if window == 1:
                assert np.isnan(seen["std 1"])
            else:
                assert seen[f"std {window}"] == pytest.approx(closes.std(ddof=1), rel=1e-9)


def test_the_size_of_the_ring_changes_nothing() -> None:
    """To the bit, but for means after a dividend: their running sums start at the oldest bar that is kept."""
    bars, actions = market(), Actions(splits={20: (2, 1)}, dividends={33: 50})
    found = []
    for kind in (Watching, Short, Odd):
        strategy = kind().watch(lambda view: (view.mean_close("X", 7), [view.std_close("X", 7), *view.closes("X", 7)]))
        backtest(strategy, tape_of(bars, actions))
        found.append(strategy.seen)
    for other in found[1:]:
        assert repr([rest for _, rest in found[0]]) == repr([rest for _, rest in other])
        assert repr([mean for mean, _ in found[0][:33]]) == repr([mean for mean, _ in other[:33]])
        assert [mean for mean, _ in found[0][33:]] == pytest.approx([mean for mean, _ in other[33:]], rel=1e-14)


def test_means_that_tie_tie() -> None:
    """Closes of a third of a cent's grid whose means are equal as numbers but not as floats of prices."""
    bars = np.tile(np.array([[1, 10, 1, 1, 1], [10, 10, 1, 10, 1], [4, 10, 1, 4, 1]], dtype=np.int64), (40, 1))
    bars[:, 3] += 99_990
    bars[:, :3] = np.stack([bars[:, 3], bars[:, 3] + 1, bars[:, 3] - 1], axis=1)
    strategy = Watching().watch(lambda view: (view.mean_close("X", 3), view.mean_close("X", 30), view.mean_close("X", 60)))
    backtest(strategy, tape_of(bars, tick=Step(1, 10_000)))
    assert all(fast == slow == slower for fast, slow, slower in strategy.seen[59:])
    prices = bars[:, 3] / 10_000
    loose = [prices[n - 3 : n].mean() == prices[n - 60 : n].mean() for n in range(60, len(prices))]
    assert not all(loose), "plain floats would tie too, so this shows nothing"


def test_asking_for_more_than_is_kept() -> None:
    for look, said in (
        (lambda view: view.mean_close("X", 17), "asked for the last 17 bars, 16 are kept: set `history = 17`"),
        (lambda view: view.closes("X", 17), "asked for the last 17 bars, 16 are kept"),
        (lambda view: view.std_close("X", 17), "asked for the last 17 bars, 16 are kept"),
        (lambda view: view.mean_close("X", 0), "asked for the last 0 bars; ask for at least 1"),
        (lambda view: view.past("X", 3, "clsoe"), "unknown field 'clsoe'. Did you mean close"),
        (lambda view: view.mean_close("Y", 3), "unknown instrument 'Y'"),
    ):
        with pytest.raises(InputError, match=said.replace("`", ".").replace("(", r"\(")):
            backtest(Short().watch(look), tape_of(market(3)))


class OnceAt(Strategy):
    """Buys once, after a bar."""

    number: int
    quantity: float

    def on_bar(self, view: View, bar: Bar) -> None:
        if view.bar_count(bar.instrument) == self.number:
            view.order(bar.instrument, self.quantity)


def impact_of(bars: NDArray[np.int64], actions: Actions, number: int, window: int) -> tuple[float, Result]:
    impact = {"model": "square_root", "coefficient": 1.0, "volatility_bars": window}
    result = backtest(OnceAt(number=number, quantity=3.0), tape_of(bars, actions), costs={"impact": impact})
    return float(result.fills["slippage"].iloc[0]), result


@pytest.mark.parametrize("number", [20, 30, 45])
@pytest.mark.parametrize("window", [2, 5, 19])
def test_volatility_is_that_of_the_adjusted_returns(number: int, window: int) -> None:
    """Read off the square-root impact: slippage = volatility x sqrt(quantity / volume) x value, at the bar that fills."""
    bars, actions = market(), Actions(splits={26: (3, 2)}, dividends={28: 200})
    slippage, result = impact_of(bars, actions, number, window)
    closes = as_of(bars, number, actions)[-window - 1 :, 3]
    returns = closes[1:] / closes[:-1] - 1.0
    opening, volume = bars[number, 0] / 100, bars[number, 4]
    expected = returns.std(ddof=1) * np.sqrt(3 / volume) * 3 * opening
    assert slippage == pytest.approx(expected, rel=1e-9)
    assert result.costs["impact"] == pytest.approx(expected, rel=1e-9)


def test_adjusted_closes_have_the_returns_of_a_holder() -> None:
    """Over a split alone the restated closes are one price series; no jump is left in it."""
    bars = market(30)
    restated = bars.copy()
    restated[15:, :4] //= 2
    strategy = Watching().watch(lambda view: view.closes("X", 30))
    backtest(strategy, tape_of(restated, Actions(splits={15: (2, 1)})))
    closes = pd.Series(strategy.seen[-1])
    assert (closes.pct_change().abs().dropna() < 0.05).all()
    assert closes.iloc[14] == pytest.approx(bars[14, 3] / 200, rel=1e-15)
