"""Lean's own sample data: bars of different lengths, ticks, factor files and the engine must tell the same story."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.data.formats import lean, lean_actions
from framework.data.tape import build
from framework.data.tape.recording import Recording
from framework.schema.event import Kind

MINUTE = 60 * 10**9
EQUITY = "02_equity_intraday/Lean/equity/usa"
CORPORATE = "08_corporate_actions/Lean/equity/usa"


def read(shared: Path, folder: str, **options: object) -> Recording:
    return lean.read(shared / folder, reference=shared / "00_reference/Lean", **options)  # type: ignore[arg-type]


def bars(recording: Recording) -> pd.DataFrame:
    events = recording.events()
    [instrument] = recording.instruments
    columns = {
        name: instrument.tick.to_floats(events[word])
        for name, word in zip(("open", "high", "low", "close"), ("w0", "w1", "w2", "w3"), strict=True)
    }
    index = pd.DatetimeIndex(events["ts_local_ns"], tz="UTC").tz_convert("America/New_York")
    return pd.DataFrame({**columns, "volume": events["w4"]}, index=index)


def longer(rows: pd.DataFrame, length: str, closed: str) -> pd.DataFrame:
    steps = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    return rows.resample(length, closed=closed, label="right").agg(steps).dropna()  # type: ignore[call-overload,no-any-return]


def test_aapl_days_are_their_minutes_across_the_split(shared: Path) -> None:
    minutes = bars(read(shared, EQUITY + "/minute/aapl", kind="trade"))
    days = bars(read(shared, "01_equity_daily/Lean/equity/usa/daily/aapl.zip"))
    for date in ("2014-06-05", "2014-06-06", "2014-06-09"):
        session = minutes.loc[date].between_time("09:30", "16:00", inclusive="right")
        assert len(session) == 390  # none is lost at either end, so the stamps are closes
        [day] = days.loc[date].itertuples()
        assert day.Index == pd.Timestamp(date + " 16:00", tz="America/New_York")
        assert (day.open, day.close, day.volume) == (session["open"].iloc[0], session["close"].iloc[-1], session["volume"].sum())
        # the daily file comes from another vendor pass: its extremes differ by up to two cents
        assert day.high == pytest.approx(session["high"].max(), abs=0.0201)
        assert day.low == pytest.approx(session["low"].min(), abs=0.0201)
    assert minutes.loc["2014-06-09"].iloc[0][["open", "low"]].tolist() == [645.57, 92.23]  # a late print of the old shares, as recorded


def test_minutes_are_their_seconds_only_if_stamps_are_opens(shared: Path) -> None:
    range_ = {"start": "2013-10-07", "end": "2013-10-07", "kind": "trade"}
    seconds, minutes = (bars(read(shared, f"{EQUITY}/{folder}/spy", **range_)) for folder in ("second", "minute"))
    made = longer(seconds, "1min", "right")
    pd.testing.assert_frame_equal(made.drop(columns="volume"), minutes.drop(columns="volume"), check_freq=False)
    assert np.abs(made["volume"] - minutes["volume"]).sum() < 0.001 * minutes["volume"].sum()
    shifted = longer(seconds, "1min", "left")  # were the second bars stamped at their opens
    assert (shifted["open"].reindex(minutes.index) != minutes["open"]).sum() > 100


def test_a_quote_bar_closes_on_the_last_tick_before_its_stamp(shared: Path) -> None:
    range_ = {"start": "2013-10-07", "end": "2013-10-07", "kind": "quote"}
    ticks = read(shared, "04_l1_quotes_trades/Lean/equity/usa/tick/ibm", **range_).events()
    quotes = read(shared, EQUITY + "/minute/ibm", **range_).events()
    last = np.searchsorted(ticks["ts_local_ns"], quotes["ts_local_ns"], side="left") - 1
    for word in ("w0", "w1"):
        assert (ticks[word][last] == quotes[word]).all()
    early = np.searchsorted(ticks["ts_local_ns"], quotes["ts_local_ns"] - MINUTE, side="left") - 1
    assert (ticks["w0"][early] == quotes["w0"]).mean() < 0.5  # one minute earlier it is another quote


def test_forex_minutes_close_on_their_ticks(shared: Path) -> None:
    range_ = {"start": "2014-05-01", "end": "2014-05-02"}
    folder = "04_l1_quotes_trades/Lean/forex/fxcm"
    ticks, quotes = (read(shared, f"{folder}/{name}/eurusd", **range_).events() for name in ("tick", "minute"))
    last = np.searchsorted(ticks["ts_local_ns"], quotes["ts_local_ns"], side="left") - 1
    known = last >= 0
    assert known.sum() > 2000
    assert (ticks["w0"][last] == quotes["w0"])[known].all() and (ticks["w1"][last] == quotes["w1"])[known].all()


@pytest.mark.parametrize(
    ("folder", "steps", "count"),
    [
        ("02_equity_intraday/Lean/equity/usa/hour", {}, 125_284),
        ("03_crypto/Lean/crypto/coinbase/daily", {}, 2650),
        ("03_crypto/Lean/cryptofuture", {}, 2543),
        ("06_options/Lean/option/usa/minute/twx", {}, 57_513),
        ("06_options/Lean/futureoption/cme/minute/es/202003", {"tick_size": "0.05"}, 117_667),
        ("07_futures/Lean/future/cme/minute", {}, 71_874),
        ("07_futures/Lean/future/cme/daily", {}, 538),
    ],
)
def test_every_row_is_an_event(shared: Path, folder: str, steps: dict[str, str], count: int) -> None:
    assert sum(len(part) for part in read(shared, folder, **steps).parts()) == count


def test_sunday_evening_of_the_future_is_monday_in_its_session(shared: Path) -> None:
    recording = read(shared, "07_futures/Lean/future/cme/minute/es", kind="trade", start="2013-10-06", end="2013-10-07")
    stamps = recording.events()["ts_local_ns"]
    assert pd.Timestamp(int(stamps[0]), tz="UTC") == pd.Timestamp("2013-10-06 22:01Z")  # 17:00 in Chicago is its first minute
    assert {i.symbol for i in recording.instruments} >= {"ES 2013-12", "ES 2014-03"}


def test_google_is_read_through_its_old_ticker(shared: Path) -> None:
    maps = shared / CORPORATE / "map_files"
    daily = "01_equity_daily/Lean/equity/usa/daily"
    rows = bars(read(shared, daily, symbol="GOOGL", map_files=maps, start="2014-03-31", end="2014-04-07"))
    assert rows.index.is_unique and [f"{stamp:%m-%d}" for stamp in rows.index] == ["03-31", "04-01", "04-02", "04-03", "04-04", "04-07"]
    ratio = rows["close"].iloc[3] / rows["close"].iloc[2]
    assert 0.48 < ratio < 0.52  # two for one, and not the class C shares that took the ticker over
    [split] = lean_actions.actions(shared / CORPORATE / "factor_files/googl.csv")["value"]
    assert split == 2


class Hold(Strategy):
    """A thousand shares from the first bar on."""

    def on_start(self, view):  # type: ignore[no-untyped-def]
        self.bought = False

    def on_bars(self, view, bars):  # type: ignore[no-untyped-def]
        if not self.bought:
            self.bought = True
            view.buy("AAPL", 1000)


def test_holding_through_the_actions_earns_the_adjusted_series(shared: Path) -> None:
    """Of a position worth h after a dividend d, h_t / (h_{t-1} - d_t) is the ratio of Lean's adjusted prices, on every day."""
    recording = read(shared, "01_equity_daily/Lean/equity/usa/daily/aapl.zip", start="1998-01-01", end="2021-03-31")
    source = shared / CORPORATE / "factor_files/aapl.csv"
    actions = lean_actions.actions(source)
    tape = build({}, {i.symbol: i for i in recording.instruments}, actions=actions, extra=recording.events(), name="AAPL")
    result = backtest(Hold(), tape, cash=100_000_000)
    held = result.equity - result.exposure["cash"]
    cash = result.exposure["cash"]
    worth, earned = held.to_numpy()[2:], np.diff(cash.to_numpy())[1:]
    returns = worth[1:] / (worth[:-1] - earned[1:])

    raw = bars(recording)["close"]
    raw.index = raw.index.tz_localize(None).normalize()
    factors = lean_actions.read_factors(source)
    adjusted = lean_actions.adjusted(raw, factors).to_numpy()[2:]
    expected = adjusted[1:] / adjusted[:-1]
    assert len(returns) == len(expected) > 5800
    # a factor f is known to half a unit of its seventh decimal; at two rows the product is known to the sum of both, twice for rounding
    digits = sum(1 / float(f.price) + 1 / float(f.split) for f in factors[:2]) * lean_actions.HALF_DIGIT
    np.testing.assert_allclose(returns, expected, rtol=2 * digits)
    # dividends alone, once splits are as small as a fourth, are known more finely
    np.testing.assert_allclose(returns[-2200:], expected[-2200:], rtol=6e-7)
    before_2014 = 4000 * (3 * 2.65 + 4 * 3.05 + 3.29)  # 1000 shares, split 2:1 in 2000 and in 2005
    assert earned.sum() == pytest.approx(before_2014 + earned_after_2014(actions), rel=1e-9)


def earned_after_2014(actions: pd.DataFrame) -> float:
    """Dividends of 28,000 shares after the split of 2014, of 112,000 after that of 2020."""
    later = actions[(actions["kind"] == "dividend") & (actions["ts"] > pd.Timestamp("2014-06-09", tz="UTC"))]
    shares = np.where(later["ts"] > pd.Timestamp("2020-08-31", tz="UTC"), 112_000, 28_000)
    return float((later["value"].astype(float) * shares).sum())


def test_the_split_is_in_the_minutes(shared: Path) -> None:
    recording = read(shared, EQUITY + "/minute/aapl", kind="trade")
    actions = lean_actions.actions(shared / CORPORATE / "factor_files/aapl.csv")
    split = actions[actions["ts"] == pd.Timestamp("2014-06-09 04:00Z")]
    assert split[["kind", "value"]].values.tolist() == [["split", 7]]
    tape = build({}, {i.symbol: i for i in recording.instruments}, actions=split, extra=recording.events(), name="AAPL minutes")
    result = backtest(Hold(), tape, cash=10_000_000)
    assert float(result.positions.iloc[-1].iloc[0]) == 7000
    first = result.fills["price"].iloc[0]
    last = bars(recording)["close"].iloc[-1]
    assert tape.events[tape.events["kind"] == Kind.SPLIT]["w0"].tolist() == [7]
    assert float(result.equity.iloc[-1]) == pytest.approx(10_000_000 + 7000 * last - 1000 * first, abs=1e-6)
