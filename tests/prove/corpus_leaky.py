"""Strategies that know the future, each in another way. Every one must be found out.

Their hooks see only the past; what leaks is what they computed from frames before the run, as users do with pandas.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.prove.signals import Signal, returns


class NextReturn(Signal):
    """The plain one: tomorrow's return."""

    def signal(self, frame):
        return returns(frame).shift(-1)


class StampedAtOpen(Signal):
    """A frame indexed by the bars' opens: each row's close is a day early."""

    def signal(self, frame):
        by_open = frame.set_axis(frame.index - pd.Timedelta(days=1))
        return returns(by_open)


class OwnBarHigh(Signal):
    """Compares the bar's open with the high and low of the bar that follows its decision."""

    def signal(self, frame):
        return (frame["high"] + frame["low"] - 2 * frame["open"]).shift(-1)


class CentredMean(Signal):
    """A mean over five days before and five after."""

    def signal(self, frame):
        return frame["close"].rolling(11, center=True).mean().diff()


class GlobalZScore(Signal):
    """Mean and deviation of the whole series."""

    def signal(self, frame):
        return -(frame["close"] - frame["close"].mean()) / frame["close"].std()


class BackFilled(Signal):
    """A weekly value carried backwards into the days before it."""

    def signal(self, frame):
        weekly = returns(frame).rolling(5).sum().iloc[::5]
        return weekly.reindex(frame.index).bfill()


def _smooth(series: pd.Series) -> pd.Series:
    return series.rolling(3).mean().shift(-1)


class HiddenShift(Signal):
    """A shift(-1) inside a helper, inside a difference of means."""

    def signal(self, frame):
        close = frame["close"]
        return _smooth(close) / close.rolling(8).mean() - 1


class ScalerOnAll(Signal):
    """Two features scaled to [0, 1] by their extremes over all time."""

    def signal(self, frame):
        features = pd.DataFrame({"price": frame["close"], "volume": frame["volume"].rolling(5).mean()})
        scaled = (features - features.min()) / (features.max() - features.min())
        return 0.6 - scaled["price"] - 0.2 * scaled["volume"]


class RegressionOnAll(Signal):
    """Coefficients of tomorrow's return on today's features, fitted once on everything."""

    def signal(self, frame):
        move = returns(frame)
        features = np.column_stack([np.ones(len(move)), move.fillna(0), move.rolling(5).mean().fillna(0)])
        target = move.shift(-1).fillna(0)
        weights = np.linalg.lstsq(features, target, rcond=None)[0]
        return pd.Series(features @ weights, frame.index)


class PrincipalComponent(Signal):
    """Each symbol against the first component of all returns, found on all days."""

    def signals(self, frames):
        moves = pd.DataFrame({symbol: returns(frame) for symbol, frame in frames.items()}).fillna(0)
        _, _, axes = np.linalg.svd(moves.to_numpy() - moves.to_numpy().mean(axis=0), full_matrices=False)
        first = axes[0] * np.sign(axes[0].sum())
        residual = moves - np.outer(moves.to_numpy() @ first, first)
        return {symbol: -residual[symbol].rolling(5).sum() for symbol in frames}


class TargetInFeature(Signal):
    """The label, the next five days' return, smoothed and used as a feature."""

    def signal(self, frame):
        label = (frame["close"].shift(-5) / frame["close"] - 1) > 0.01
        return label.astype(float).ewm(span=3).mean() - 0.5


class LeaksWhenHolding(Signal):
    """Enters on the past; once in, leaves on the day before a fall."""

    def signal(self, frame):
        return returns(frame).rolling(5).sum()

    def prepare(self, frames):
        super().prepare(frames)
        self.tomorrow = {s: dict(zip(f.index.as_unit("ns").asi8.tolist(), returns(f).shift(-1), strict=True)) for s, f in frames.items()}

    def on_bar(self, view, bar):
        if view.position(bar.instrument) > 0:
            self.turn(view, bar.instrument, not self.tomorrow[bar.instrument][bar.ts_ns] < -0.015)
        else:
            self.turn(view, bar.instrument, self.value(bar) > 0.02)


class Survivors(Signal):
    """Trades only what ends above where it began."""

    def signals(self, frames):
        alive = {symbol: frame["close"].iloc[-1] > frame["close"].iloc[0] for symbol, frame in frames.items()}
        return {s: returns(f).rolling(5).mean() if alive[s] else 0.0 * f["close"] for s, f in frames.items()}


class Winner(Signal):
    """Ranks symbols by their return to the last day and holds the best."""

    def signals(self, frames):
        final = sorted(frames, key=lambda s: frames[s]["close"].iloc[-1] / frames[s]["close"].iloc[0])
        return {s: f["close"] * 0 + (1.0 if s == final[-1] else -1.0) for s, f in frames.items()}


class WholeRange(Signal):
    """Where the price stands between the lowest and the highest of all time."""

    def signal(self, frame):
        close = frame["close"]
        return 0.5 - (close - close.min()) / (close.max() - close.min())


class WeekLabelledLeft(Signal):
    """Weekly returns labelled with the week's first day."""

    def signal(self, frame):
        weekly = frame["close"].resample("W", label="left", closed="left").last().pct_change()
        return weekly.reindex(frame.index, method="ffill")


class Interpolated(Signal):
    """Values known every ten days, drawn together by straight lines."""

    def signal(self, frame):
        known = frame["close"].where(np.arange(len(frame)) % 10 == 0)
        return known.interpolate().diff()


class SampleQuantile(Signal):
    """Buys below the lower third of the whole sample."""

    def signal(self, frame):
        return frame["close"].quantile(0.35) - frame["close"]


class FilledWithLast(Signal):
    """Gaps at the beginning filled with the last value there is."""

    def signal(self, frame):
        slow = frame["close"].rolling(60).mean()
        return frame["close"] - slow.fillna(slow.iloc[-1])


class VolumeTomorrow(Signal):
    """Only volume leaks: tomorrow's against its mean."""

    def signal(self, frame):
        volume = frame["volume"]
        return volume.shift(-1) - volume.rolling(20, min_periods=1).mean()


class AfterManyTrades(Signal):
    """Honest for its first 20 trades."""

    def signal(self, frame):
        return returns(frame).rolling(3).sum()

    def prepare(self, frames):
        super().prepare(frames)
        honest, self.trades = self.at, 0
        self.at = {s: dict(zip(f.index.as_unit("ns").asi8.tolist(), returns(f).shift(-1), strict=True)) for s, f in frames.items()}
        self.honest = honest

    def on_start(self, view):
        super().on_start(view)
        self.trades = 0

    def value(self, bar):
        source = self.honest if self.trades < 20 else self.at
        return source[bar.instrument].get(bar.ts_ns, np.nan)

    def turn(self, view, symbol, wanted):
        self.trades += wanted != self.holds[symbol]
        super().turn(view, symbol, wanted)


class DividendAhead(Signal):
    """Buys three days before a large dividend goes ex."""

    def signal(self, frame):
        coming = frame["dividend"].rolling(3).sum().shift(-3)
        return coming - 0.45


class LimitAtTomorrowsLow(Signal):
    """Puts its limit at the low of the next bar."""

    def signal(self, frame):
        return frame["low"].shift(-1)

    def on_bar(self, view, bar):
        low = self.value(bar)
        if view.position(bar.instrument) > 0:
            view.target_weight(bar.instrument, 0.0)
        elif low > 0 and view.bar_count(bar.instrument) % 4 == 0:
            view.order(bar.instrument, 10, limit=round(low, 2), time_in_force="DAY")


class LastTenPercent(Signal):
    """Leaks in the last tenth of its life only."""

    def signal(self, frame):
        honest, leaky = returns(frame).rolling(4).mean(), returns(frame).shift(-1)
        return honest.where(frame.index < pd.Timestamp("2021-09-28", tz="UTC"), leaky)


class SampleVolatility(Signal):
    """Sizes by the volatility of the whole sample."""

    def signal(self, frame):
        return returns(frame).rolling(5).mean() / returns(frame).std()

    def turn(self, view, symbol, wanted):
        if wanted != self.holds[symbol]:
            self.holds[symbol] = wanted
            view.target_weight(symbol, self.weight[symbol] if wanted else 0.0)

    def prepare(self, frames):
        super().prepare(frames)
        self.weight = {symbol: min(0.003 / float(returns(frame).std()), 0.3) for symbol, frame in frames.items()}


class Fourier(Signal):
    """A low-pass filter over the whole series."""

    def signal(self, frame):
        waves = np.fft.rfft(np.log(frame["close"]))
        waves[20:] = 0
        return pd.Series(np.fft.irfft(waves, len(frame)), frame.index).diff()


class DetrendedOnAll(Signal):
    """Distance from a straight line through all prices."""

    def signal(self, frame):
        days = np.arange(len(frame))
        return pd.Series(np.polyval(np.polyfit(days, frame["close"], 1), days), frame.index) - frame["close"]


class LeaderAhead(Signal):
    """Trades BRAVO and CHARLIE by what ALFA does tomorrow."""

    def signals(self, frames):
        lead = returns(frames["ALFA"]).shift(-1)
        return {symbol: lead if symbol != "ALFA" else 0 * lead for symbol in frames}


class Reversed(Signal):
    """A rolling mean over a series turned round, then turned back."""

    def signal(self, frame):
        ahead = frame["close"][::-1].rolling(6).mean()[::-1]
        return ahead - frame["close"]


class BestOfSample(Signal):
    """The look-back that would have earned most over all days."""

    def signal(self, frame):
        move = returns(frame)
        rules = [np.sign(move.rolling(window).mean()) for window in (2, 3, 5, 8, 13, 21)]
        return max(rules, key=lambda rule: float((rule.shift(1) * move).sum()))


class NoEmbargo(Signal):
    """Refits every 40 days, on labels that are not known yet."""

    def signal(self, frame):
        move = returns(frame).fillna(0)
        feature, label = move.rolling(3).mean().fillna(0).to_numpy(), move.rolling(5).sum().shift(-5).fillna(0).to_numpy()
        said = np.full(len(move), np.nan)
        for begin in range(60, len(move), 40):
            slope = np.polyfit(feature[begin - 50 : begin], label[begin - 50 : begin], 1)
            said[begin : begin + 40] = np.polyval(slope, feature[begin : begin + 40])
        return pd.Series(said, frame.index)


class Smoother(Signal):
    """A filter run forwards and then backwards."""

    def signal(self, frame):
        forward = frame["close"].ewm(span=10).mean()
        return forward[::-1].ewm(span=10).mean()[::-1].diff()


class FutureSessionHigh(Signal):
    """Buys in the morning of a five-day session whose high is still to come."""

    def signal(self, frame):
        session = np.arange(len(frame)) // 5
        high = frame["high"].groupby(session).transform("max")
        return high / frame["close"] - 1.03


class SharesOfAllVolume(Signal):
    """Volume as a share of all that was ever traded."""

    def signal(self, frame):
        return frame["volume"].rolling(5).sum() / frame["volume"].sum() - 5 / 300


class ColourOfTomorrow(Signal):
    """Whether the next bar closes above its open, whatever its level."""

    def signal(self, frame):
        return np.sign(frame["close"] - frame["open"]).shift(-1)


LEAKY = [cls for cls in Signal.__subclasses__() if cls.__module__ == __name__]
