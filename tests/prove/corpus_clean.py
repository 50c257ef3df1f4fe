"""Strategies that look suspicious and know only the past. None may be accused.

`WARM_UP` says what the warm-up check must find: True where history beyond some bars cannot matter, False where all history does
or the count of bars since the beginning, absent where the strategy does not decide often enough to say.
"""

from __future__ import annotations

import datetime as dt
import random

import numpy as np
import pandas as pd

from framework import Strategy
from tests.prove.signals import Signal, returns


class ExpandingZScore(Signal):
    """Mean and deviation of everything so far."""

    def signal(self, frame):
        grown = frame["close"].expanding(20)
        return -(frame["close"] - grown.mean()) / grown.std()


class Yesterday(Signal):
    """shift(+1)."""

    def signal(self, frame):
        return returns(frame).shift(1)


class TodaysClose(Signal):
    """Uses the bar's own close, and fills at the next open."""

    def signal(self, frame):
        return frame["close"] - frame["open"]


class LongWarmUp(Signal):
    """NaN for its first 60 bars."""

    def signal(self, frame):
        return frame["close"] - frame["close"].rolling(60).mean()


class WalkForward(Signal):
    """Refits every 20 days on labels that were known by then."""

    def signal(self, frame):
        move = returns(frame).fillna(0)
        feature, label = move.rolling(3).mean().fillna(0).to_numpy(), move.shift(-1).to_numpy()
        said = np.full(len(move), np.nan)
        for begin in range(60, len(move), 20):
            past = slice(max(begin - 60, 0), begin - 1)  # the label of begin - 1 is the return of begin
            slope = np.polyfit(feature[past], label[past], 1)
            said[begin : begin + 20] = np.polyval(slope, feature[begin : begin + 20])
        return pd.Series(said, frame.index)


class Dice(Signal):
    """Chance keyed by symbol and stamp."""

    def signal(self, frame):
        return frame["close"] * 0

    def value(self, bar):
        return random.Random(f"7 {bar.instrument} {bar.ts_ns}").random() - 0.7


class Exponential(Signal):
    """Two exponential means."""

    def signal(self, frame):
        return frame["close"].ewm(span=4).mean() - frame["close"].ewm(span=9).mean()


class StateMachine(Strategy):
    """Counts falls in a row, buys after two, sells after two rises."""

    def on_start(self, view):
        self.row = dict.fromkeys(view.instruments, 0)
        self.last = {}

    def on_bar(self, view, bar):
        before = self.last.get(bar.instrument, bar.close)
        step = 1 if bar.close > before else -1
        self.row[bar.instrument] = step if self.row[bar.instrument] * step <= 0 else self.row[bar.instrument] + step
        self.last[bar.instrument] = bar.close
        if self.row[bar.instrument] <= -2 and not view.position(bar.instrument):
            view.target_weight(bar.instrument, 0.2)
        elif self.row[bar.instrument] >= 2 and view.position(bar.instrument):
            view.target_weight(bar.instrument, 0.0)


class OwnTrailingStop(Strategy):
    """Remembers the highest close since it bought: the account's path decides when it sells."""

    def on_start(self, view):
        self.peak = {}

    def on_bar(self, view, bar):
        symbol = bar.instrument
        if view.position(symbol) > 0:
            self.peak[symbol] = max(self.peak[symbol], bar.close)
            if bar.close < 0.96 * self.peak[symbol]:
                view.target_quantity(symbol, 0)
        elif bar.close > view.mean_close(symbol, 10):
            self.peak[symbol] = bar.close
            view.target_weight(symbol, 0.2)


class VenueTrailingStop(Strategy):
    """A trailing stop that works at the venue."""

    def on_bar(self, view, bar):
        symbol = bar.instrument
        if not view.position(symbol) and not list(view.working_orders(symbol)) and bar.close > view.mean_close(symbol, 5):
            entry = view.order(symbol, 100)
            view.order(symbol, -100, trail_bps=300, parent=entry)


class MonthEnd(Signal):
    """Rebalances on the last month that has ended."""

    def signal(self, frame):
        monthly = frame["close"].resample("ME").last().pct_change().shift(1)
        monthly.index = monthly.index + pd.Timedelta(days=1)
        return monthly.reindex(frame.index, method="ffill").fillna(0) * 0 + monthly.shift(1).reindex(frame.index, method="ffill")


class LatestWeek(Signal):
    """Weeks labelled on the right, joined to the days that come after."""

    def signal(self, frame):
        weekly = frame["close"].resample("W", label="right", closed="right").last().pct_change()
        weekly.index = weekly.index + pd.Timedelta(days=1)  # known from the day after the week
        days = pd.DataFrame({"ts": frame.index})
        known = weekly.rename("change").rename_axis("ts").reset_index()
        return pd.merge_asof(days, known, on="ts", direction="backward").set_index("ts")["change"]


class ForwardFilled(Signal):
    """A value every fifth day, carried forward."""

    def signal(self, frame):
        moves = returns(frame).rolling(5).sum()
        return moves.where(frame.index.day % 5 == 0).ffill()


class Embargo(Signal):
    """The label is five days ahead, and is used five days later."""

    def signal(self, frame):
        label = frame["close"].shift(-5) / frame["close"] - 1
        return label.shift(5).rolling(3).mean()


class TrailingComponent(Signal):
    """A principal component of the last 60 days, found anew each day."""

    def signals(self, frames):
        moves = pd.DataFrame({symbol: returns(frame) for symbol, frame in frames.items()}).fillna(0)
        table = moves.to_numpy()
        said = np.full(table.shape, np.nan)
        for row in range(40, len(table)):
            window = table[row - 39 : row + 1]
            _, _, axes = np.linalg.svd(window - window.mean(axis=0), full_matrices=False)
            first = axes[0] * np.sign(axes[0].sum())
            said[row] = -(window - np.outer(window @ first, first))[-5:].sum(axis=0)
        return {symbol: pd.Series(said[:, k], moves.index) for k, symbol in enumerate(moves)}


class RollingQuantile(Signal):
    """Below the lower third of the last 50 days."""

    def signal(self, frame):
        return frame["close"].rolling(50, min_periods=10).quantile(0.3) - frame["close"]


class Drawdown(Signal):
    """Distance from the highest price so far."""

    def signal(self, frame):
        return 0.93 - frame["close"] / frame["close"].cummax()


class AfterDividend(Signal):
    """Buys when a dividend has gone ex."""

    def signal(self, frame):
        return frame["dividend"].rolling(5).sum() - 0.5


class LimitAtYesterdaysLow(Strategy):
    """Bids at the low of the bar that has just closed."""

    def on_bar(self, view, bar):
        if view.position(bar.instrument) > 0:
            view.target_quantity(bar.instrument, 0)
        elif bar.close > bar.open:
            view.order(bar.instrument, 50, limit=bar.low, time_in_force="DAY")


class OnlineLearner(Strategy):
    """One step of gradient descent a bar."""

    def on_start(self, view):
        self.weight = dict.fromkeys(view.instruments, 0.0)
        self.moves = {name: [0.0, 0.0] for name in view.instruments}

    def on_bar(self, view, bar):
        symbol = bar.instrument
        closes = view.closes(symbol, 2)
        if len(closes) < 2:
            return
        move = 100 * (closes[1] / closes[0] - 1)
        before = self.moves[symbol][-1]
        self.weight[symbol] += 0.05 * (move - self.weight[symbol] * before) * before
        self.moves[symbol] = [before, move]
        if view.bar_count(symbol) % 3 == 0:
            view.target_weight(symbol, 0.2 if self.weight[symbol] * move > 0 else 0.0)


class Kalman(Signal):
    """A local level, filtered forwards."""

    def signal(self, frame):
        level, variance, said = float(frame["close"].iloc[0]), 1.0, []
        for close in frame["close"]:
            variance += 0.5
            gain = variance / (variance + 2.0)
            level, variance = level + gain * (close - level), (1 - gain) * variance
            said.append(close - level)
        return pd.Series(said, frame.index)


class Bracketed(Strategy):
    """Entries with target and stop."""

    def on_bar(self, view, bar):
        symbol = bar.instrument
        if not view.position(symbol) and not list(view.working_orders(symbol)) and bar.close > bar.open:
            view.bracket(symbol, 40, target=round(bar.close * 1.05, 2), loss=round(bar.close * 0.95, 2))


class VolumeSpike(Strategy):
    """Buys on a volume above twice the mean of the last ten."""

    def on_bar(self, view, bar):
        volumes = view.past(bar.instrument, 11, "volume")
        wanted = len(volumes) == 11 and volumes[-1] > 1.5 * volumes[:-1].mean()
        view.target_quantity(bar.instrument, 100 if wanted else 0)


class TrailingWinner(Strategy):
    """Holds what rose most in 15 days, chosen every day among those that rose."""

    def on_bars(self, view, bars):
        change = {name: view.closes(name, 15) for name in bars}
        ranked = sorted((c[-1] / c[0] - 1, name) for name, c in change.items() if len(c) == 15)
        best = ranked[-1][1] if ranked and ranked[-1][0] > 0 else None
        if best not in view.positions and (best or view.positions):
            view.target_weights({best: 0.5} if best else {})


class EveryTenDays(Strategy):
    """Equal weights by a timer."""

    def on_start(self, view):
        view.timers.every(dt.timedelta(days=10), name="rebalance")

    def on_bar(self, view, bar):
        """It needs a hook to have a market."""

    def on_timer(self, view, name):
        known = [symbol for symbol in view.instruments if view.bar_count(symbol) > 3]
        view.target_weights({symbol: 0.2 for symbol in known})


class CentredThenLagged(Signal):
    """A centred window, moved back by half its width."""

    def signal(self, frame):
        return frame["close"].rolling(9, center=True).mean().shift(4).diff()


class TurnedTwice(Signal):
    """A series turned round twice, and cumulative sums."""

    def signal(self, frame):
        twice = frame["close"][::-1][::-1]
        return twice.cumsum() / np.arange(1, len(frame) + 1) - twice


class PaperProfit(Strategy):
    """Sizes by its own equity and takes profits by its own average price."""

    def on_bar(self, view, bar):
        symbol = bar.instrument
        held = view.position(symbol)
        if held and abs(bar.close / view.average_price(symbol) - 1) > 0.04:
            view.target_quantity(symbol, 0)
        elif not held and bar.close < view.mean_close(symbol, 6):
            view.order(symbol, int(0.15 * view.equity / bar.close))


CLEAN = [cls for cls in (*Signal.__subclasses__(), *Strategy.__subclasses__()) if cls.__module__ == __name__]

_ALL_HISTORY = (ExpandingZScore, TurnedTwice, OnlineLearner, WalkForward)
WARM_UP = {cls: cls not in _ALL_HISTORY for cls in CLEAN}
