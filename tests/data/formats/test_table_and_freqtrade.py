"""Tables by column mapping, and freqtrade's feather files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.data.formats import freqtrade, table
from framework.engine.market import Quote
from framework.engine.view import View
from framework.errors import DataError, InputError
from framework.schema.event import Flag, Kind
from framework.schema.units import Step


def test_quotes_by_mapping_and_zone(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("when,b,a,x\n2024-01-02 09:30:00.5,9.99,10.01,1\n2024-01-02 09:30:01,10,10.01,1\n")
    columns = {"when": "ts", "b": "bid", "a": "ask", "x": ""}
    events = table.read(path, "quotes", columns, time_zone="America/New_York", displayed_size=0).events()
    assert events["ts_local_ns"].tolist() == [1_704_205_800_500_000_000, 1_704_205_801_000_000_000]
    assert events["w0"].tolist() == [999, 1000] and events["w1"].tolist() == [1001, 1001]
    with pytest.raises(DataError, match="no zone"):
        table.read(path, "quotes", columns, displayed_size=0).events()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("2,1.0,5,buy\n1,1.0,5,buy", "never before"),
        ("1,1.0,5,hold", "column side"),
        ("1,1.0,0,buy", "column size"),
        ("1,-1.0,5,buy", "column price"),
    ],
)
def test_bad_trades_are_refused(tmp_path: Path, rows: str, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"ts,price,size,side\n{rows}\n")
    with pytest.raises(DataError, match=rf"t.csv, row \d.*{said}"):
        table.read(path, "trades", unit="ms").events()


@pytest.mark.parametrize("stamp", [pytest.param("2024-11-03 01:30:00", id="twice"), pytest.param("2024-03-10 02:30:00", id="never")])
def test_a_wall_time_that_is_no_instant_is_refused(tmp_path: Path, stamp: str) -> None:
    path = tmp_path / "q.csv"
    path.write_text(f"ts,bid,ask\n2024-01-02 09:30:00,9.99,10.01\n{stamp},10,10.01\n")
    with pytest.raises(DataError, match=rf"q.csv, row 1, column ts: {stamp}.* in America/New_York; rule: .* twice or never"):
        table.read(path, "quotes", time_zone="America/New_York", displayed_size=0).events()


def test_an_unknown_zone_is_named(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("ts,bid,ask\n2024-01-02 09:30:00,9.99,10.01\n")
    with pytest.raises(DataError, match="time_zone='New York'"):
        table.read(path, "quotes", time_zone="New York", displayed_size=0).events()


@pytest.mark.parametrize("number", ["1.5", ""])
def test_a_trade_id_that_is_no_whole_number_is_refused(tmp_path: Path, number: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"ts,price,size,trade_id\n1,1.0,5,7\n2,1.0,5,{number}\n")
    with pytest.raises(DataError, match=r"t.csv, rows? .*column trade_id: .*rule: "):
        table.read(path, "trades", unit="ms").events()


QUOTES = pd.DataFrame({"ts": pd.date_range("2024-07-01", periods=3, freq="min", tz="UTC"), "bid": 9.99, "ask": 10.01})


def test_quotes_without_sizes_are_refused_until_one_is_assumed() -> None:
    said = "frame: no column 'bid_size' and no column 'ask_size'; rule: .* would fill nothing. .* displayed_size=1_000_000"
    with pytest.raises(DataError, match=said):
        table.read(QUOTES, "quotes")
    with pytest.raises(DataError, match="frame: no column 'ask_size'; rule: "):
        table.read(QUOTES.assign(bid_size=5), "quotes")
    recording = table.read(QUOTES.assign(bid_size=5), "quotes", displayed_size="2.5")
    assert recording.instruments[0].lot == Step(1, 10)
    assert recording.events()[["w2", "w3"]].tolist() == [(50, 25)] * 3
    assert recording.notes == ("frame: no column 'ask_size'; each quote is taken to show 2.5 (displayed_size=).",)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"displayed_size": -1}, "a step must be positive, got -1/1"),
        ({"displayed_size": 2.5, "lot_size": 1}, r"column displayed_size=: .*2\.5.*; rule: a whole multiple of 1/1"),
        ({"displayed_size": 2.5, "columns": {"bid": "bid"}, "kind": "trades"}, "displayed_size= is of quotes, and these are trades"),
    ],
)
def test_a_displayed_size_that_cannot_be(words: dict[str, object], said: str) -> None:
    with pytest.raises((DataError, InputError), match=said):
        table.read(QUOTES, **{"kind": "quotes", **words})  # type: ignore[arg-type]
    with pytest.raises(DataError, match="displayed_size=7 beside columns of sizes"):
        table.read(QUOTES.assign(bid_size=5, ask_size=5), "quotes", displayed_size=7)


class BuysOnce(Strategy):
    def on_start(self, view: View) -> None:
        self.is_sent = False

    def on_quote(self, view: View, quote: Quote) -> None:
        if not self.is_sent:
            self.is_sent = True
            view.buy("ASSET", 8)


def test_orders_fill_against_the_size_that_is_assumed() -> None:
    result = backtest(BuysOnce(), table.read(QUOTES, "quotes", displayed_size=5).tape())
    assert result.fills[["quantity", "price"]].values.tolist() == [[5.0, 10.01], [3.0, 10.01]]
    none = backtest(BuysOnce(), table.read(QUOTES, "quotes", displayed_size=0).tape())
    assert not len(none.fills) and "each quote is taken to show 0, so no order fills on them" in none.notes[0]


HISTDATA = {
    "header": ["ts", "bid", "ask", "unused"],
    "columns": {"unused": ""},
    "stamp_format": "%Y%m%d %H%M%S%f",
    "time_zone": "Etc/GMT+5",
    "displayed_size": 0,
}


def test_stamps_of_a_format_and_no_line_of_names(tmp_path: Path) -> None:
    path = tmp_path / "EURUSD.csv"
    path.write_text("20240701 170000065,1.12120,1.12172,0\n20240701 170010447,1.12120,1.12192,0\n")
    events = table.read(path, "quotes", **HISTDATA).events()  # type: ignore[arg-type]
    # five hours behind UTC, in July too
    assert [str(stamp) for stamp in events["ts_local_ns"].astype("datetime64[ns]")] == [
        "2024-07-01T22:00:00.065000000",
        "2024-07-01T22:00:10.447000000",
    ]
    assert (events["w0"].tolist(), events["w1"].tolist()) == ([112120, 112120], [112172, 112192])
    path.write_text("20240701 170000065,1.12120,1.12172,0\n2024-07-01 17:00,1.12120,1.12192,0\n")
    with pytest.raises(DataError, match=r"EURUSD.csv, row 1, column ts: '2024-07-01 17:00'; rule: stamp_format='%Y%m%d %H%M%S%f'; 1 in"):
        table.read(path, "quotes", **HISTDATA).events()  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"stamp_format='%Q'.*Use the words of strptime"):
        table.read(path, "quotes", **{**HISTDATA, "stamp_format": "%Q"}).events()  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"cannot be read: .*Expected 3 columns, got 4"):
        table.read(path, "quotes", header=["ts", "bid", "ask"])


def test_bars_between_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "ES.csv"
    path.write_text("20240701 093000;10.00;10.50;9.75;10.25;7\n20240701 093100;10.25;10.25;10.00;10.00;3\n")
    names = ["ts", "open", "high", "low", "close", "volume"]
    words = {"header": names, "delimiter": ";", "stamp_format": "%Y%m%d %H%M%S", "time_zone": "America/Chicago", "bar_stamp": "open"}
    events = table.read(path, "bars", **words).events()  # type: ignore[arg-type]
    first = int(pd.Timestamp("2024-07-01 14:31", tz="UTC").as_unit("ns").value)
    assert events["ts_local_ns"].tolist() == [first, first + 60 * 10**9]
    assert [events[word].tolist() for word in ("w0", "w1", "w2", "w3", "w4")] == [
        [1000, 1025],
        [1050, 1025],
        [975, 1000],
        [1025, 1000],
        [7, 3],
    ]


def test_columns_left_out_may_hold_anything(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(f"{k},1.5,2,note {k}\n" for k in range(30_000)) + "30000,1.5,2,\n"
    path.write_text("ts,price,size,note\n" + rows)
    assert len(table.read(path, "trades", {"note": ""}, unit="s").events()) == 30_001
    frame = pd.read_csv(path)
    assert len(table.read(frame, "trades", {"note": ""}, unit="s").events()) == 30_001


def test_real_files_of_other_shapes(shared: Path) -> None:
    room = shared / "04_l1_quotes_trades/nautilus_trader"
    histdata = table.read(room / "quote_tick_data.csv.gz", "quotes", **HISTDATA)  # type: ignore[arg-type]
    first = histdata.events()[0]
    assert len(histdata.events()) == 9500
    assert (str(first["ts_local_ns"].astype("datetime64[ns]")), int(first["w0"])) == ("2020-01-01T22:00:00.065000000", 112120)
    truefx = table.read(room / "truefx/usdjpy-ticks.csv", "quotes", {"timestamp": "ts"}, displayed_size=0).events()
    assert (len(truefx), str(truefx["ts_local_ns"][0].astype("datetime64[ns]"))) == (1000, "2013-01-01T22:00:00.295000000")
    bid, ask = (
        pd.read_csv(room / f"fxcm/usdjpy-m1-{side}-2013.csv.gz", index_col="timestamp", parse_dates=True)["close"]
        for side in ("bid", "ask")
    )
    both = pd.DataFrame({"bid": bid, "ask": ask}).dropna()
    both.insert(0, "ts", both.index + pd.Timedelta(minutes=1))
    with pytest.raises(DataError, match="row 53: bid 91730 above ask 91729 ticks"):  # the two last prices of a minute are of two moments
        table.read(both, "quotes", tick_size=0.001, displayed_size=0).events()
    quotes = table.read(both[both["bid"] <= both["ask"]], "quotes", tick_size=0.001, displayed_size=0).events()
    assert (int(quotes["w0"][0]), int(quotes["w1"][0])) == (91653, 91655)
    klines = shared / "03_crypto/gravestone-data/1d/BTCUSDT.csv"
    columns = {"timestamp": "ts", "quote_volume": "", "trades": "", "close_time": ""}
    bars = table.read(klines, "bars", columns, unit="ms", bar_stamp="open").events()
    assert (str(bars["ts_local_ns"][0].astype("datetime64[ns]")), int(bars["w0"][0])) == ("2024-01-11T00:00:00.000000000", 461139)


def test_freqtrade_says_what_it_rounded_and_what_a_pair_is_quoted_in(tmp_path: Path) -> None:
    path = tmp_path / "A_B-5m.feather"
    dates = pd.date_range("2024-01-01", periods=2, freq="5min", tz="UTC")
    closes = [1.1, 1.1 + 4e-14]
    pd.DataFrame({"date": dates, "open": 1.0, "high": 1.2, "low": 0.9, "close": closes, "volume": 2.5}).to_feather(path)
    recording = freqtrade.read(path)
    assert recording.events()["w3"].tolist() == [11, 11]
    assert recording.notes[1:] == ("column close: 1 of 2 values were rounded to 12 decimals, by at most 4e-14.",)
    assert recording.instruments[0].currency == "B"
    path = tmp_path / "A_C-trades.feather"
    row = {"timestamp": [1], "id": ["1"], "type": [""], "side": ["buy"], "price": [1.0], "amount": [1.0], "cost": [1.0]}
    pd.DataFrame(row).to_feather(path)
    assert freqtrade.read(path).instruments[0].currency == "C"


def test_freqtrade_candles_move_to_their_closes(tmp_path: Path) -> None:
    path = tmp_path / "A_B-5m.feather"
    dates = pd.date_range("2024-01-01", periods=2, freq="5min", tz="UTC")
    pd.DataFrame({"date": dates, "open": 1.0, "high": 1.2, "low": 0.9, "close": 1.1, "volume": 2.5}).to_feather(path)
    events = freqtrade.read(path).events()
    assert events["ts_local_ns"].tolist() == [1_704_067_500 * 10**9, 1_704_067_800 * 10**9]
    assert [int(events[w][0]) for w in ("w0", "w1", "w2", "w3", "w4")] == [10, 12, 9, 11, 25]


def test_real_freqtrade_files(shared: Path) -> None:
    room = shared / "03_crypto/freqtrade"
    trades = freqtrade.read(room / "XRP_ETH-trades.feather").events()
    assert len(trades) == 12477 and trades[0]["flags"] == Flag.SELL and trades[0]["w2"] == 13519807 and trades[0]["w0"] == 141342
    funding = freqtrade.read(room / "futures/XRP_USDT_USDT-8h-funding_rate.feather").events()
    assert len(funding) == 91 and funding[0]["kind"] == Kind.FUNDING and funding[0]["w0"] == 100_000
    assert len(freqtrade.read(room / "futures/XRP_USDT_USDT-1h-mark.feather").events()) == 100


def test_funding_rates_keep_their_nine_decimals(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("Date,Funding Rate,Symbol\n2023-01-01 03:00:00.000,-0.00012359,X\n2023-01-01 11:00:00.000,0.000100001,X\n")
    columns = {"Date": "ts", "Funding Rate": "rate", "Symbol": ""}
    events = table.read(path, "funding", columns, time_zone="UTC").events()
    assert events["kind"].tolist() == [Kind.FUNDING] * 2 and events["w0"].tolist() == [-123_590, 100_001]
    assert events["ts_local_ns"].tolist() == [1_672_542_000_000_000_000, 1_672_570_800_000_000_000]
    path.write_text("ts,rate\n2023-01-01 03:00:00,0.0000000001\n")
    with pytest.raises(DataError, match="f.csv, row 0, column rate"):
        table.read(path, "funding", time_zone="UTC").events()
