"""What the tearsheet says is what the run was, and it needs nothing but itself."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.errors import InputError
from framework.reports import axes, charts, html_tables, metrics
from framework.reports.format import card_text, money, number, percent, quantity
from framework.reports.result import Result
from framework.reports.summary import curve
from framework.reports.tearsheet import render, return_period
from tests.reports.fake_run import fake_tables

VOID = {"meta", "link", "br"}


class Page(HTMLParser):
    """Attributes, the text of tagged cells, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.metric: str | None = None
        self.metrics: dict[str, list[str]] = {}
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [given[name] or "" for name in ("src", "href", "srcset", "data", "action") if name in given]
        self.metric = given.get("data-metric")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.metric = None

    def handle_data(self, data: str) -> None:
        if self.metric:
            self.metrics.setdefault(self.metric, []).append(data)
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)


@pytest.fixture(scope="module")
def result() -> Result:
    return Result(fake_tables())


@pytest.fixture(scope="module")
def html(result: Result) -> str:
    return render(result)


def _specs(html: str) -> dict[str, charts.Spec]:
    found = re.search(r'<script type="application/json" id="specs">(.*?)</script>', html, re.S)
    assert found
    specs: dict[str, charts.Spec] = json.loads(found[1])
    return specs


def test_page_is_self_contained(html: str) -> None:
    page = Page(html)
    assert page.open == []
    assert [link for link in page.links if not link.startswith("data:")] == []
    assert "default-src 'none'" in html  # and the browser is told to fetch nothing, whatever a library tries
    style = html[html.index("<style>") : html.index("</style>")]
    assert "@import" not in style and "url(" not in style
    assert sum("plotly.js v" in script[:200] for script in page.scripts) == 1


def test_every_metric_is_on_the_page(html: str, result: Result) -> None:
    assert Page(html).metrics == {name: [card_text(name, value)] for name, value in result.metrics.items()}
    assert "<span>Average win, USD</span>" in html


def test_several_runs_are_compared_column_by_column() -> None:
    runs = [Result(fake_tables(seed=seed, name=f"Run {seed}")) for seed in (1, 2)]
    html = render(runs, title="Two seeds")
    expected = {name: [card_text(name, float(run.metrics[name]), "USD") for run in runs] for name in runs[0].metrics.index}
    assert Page(html).metrics == expected
    equity = _specs(html)["equity"]["data"]
    assert [trace["name"] for trace in equity] == ["Run 1", "Benchmark", "Run 2"]
    assert [trace["y"][0] for trace in equity] == [1.0, 1.0, 1.0]  # growth of 1
    assert html.count("survivors. Their") == 1  # a note that both carry is said once
    assert "<title>Two seeds</title>" in html


def test_charts_show_the_run(html: str, result: Result) -> None:
    specs = _specs(html)
    line = specs["equity"]["data"][0]
    assert line["y"] == pytest.approx(result.equity.to_list(), rel=1e-6)
    assert line["x"][0] == result.equity.index[0].timestamp() * 1000
    assert min(specs["drawdown"]["data"][0]["y"]) == pytest.approx(result.metrics["max_drawdown"], rel=1e-6)
    gross = np.array(specs["exposure"]["data"][0]["y"])
    assert gross.mean() == pytest.approx(result.metrics["exposure"], rel=1e-6)
    assert sum(specs["distribution"]["data"][0]["y"]) == len(result.equity) - 1
    assert specs["costs"]["data"][0]["x"] == [18_230.5, 9_120.0, 22_410.2, 3_300.0, -420.0]


def test_monthly_table_is_the_hand_worked_one() -> None:
    index = pd.DatetimeIndex(["2023-11-30", "2023-12-29", "2024-01-31", "2024-03-01"], tz="UTC")
    table = html_tables.months(curve(pd.Series([100.0, 110.0, 121.0, 60.5], index=index)))
    years = dict(re.findall(r"<tr><th>(\d{4})</th>(.*?)</tr>", table))
    cells = {year: re.findall(r"<td[^>]*>(.*?)</td>", row) for year, row in years.items()}
    minus = "\N{MINUS SIGN}"
    assert cells["2023"] == [""] * 10 + ["0.0", "10.0", "10.0"]
    assert cells["2024"] == ["10.0", "", f"{minus}50.0"] + [""] * 9 + [f"{minus}45.0"]


def test_names_from_outside_are_escaped() -> None:
    attack = "</script><img src=x onerror=alert(1)>"
    parts = fake_tables(name=attack)
    trades = Result(parts).trades.assign(instrument=attack)
    orders = Result(parts).orders.assign(reason=attack)
    evil = replace(parts, trades=trades, orders=orders, notes=(attack,), settings={attack: attack}, symbols=(attack,), currency=attack)
    for html in (render(Result(evil)), render([Result(evil), Result(evil)], title=attack)):
        assert "<img" not in html[html.index("<body>") : html.index("plotly.js v")]
        assert Page(html).open == []
        assert "<" not in _specs(html)["equity"]["data"][0]["name"]


def test_what_must_be_read_first(html: str) -> None:
    assert html.index("Before believing the numbers") < html.index("Sharpe ratio")
    assert "survivors" in html and "14 fills were decided inside ambiguous bars" in html
    assert "No costs were charged" not in html
    free = fake_tables()
    assert "No costs were charged" in render(Result(replace(free, costs=free.costs * 0)))


def test_long_trade_lists_say_how_much_is_shown() -> None:
    html = render(Result(fake_tables(trades=1430)))
    assert "Showing 1,000 of 1,430." in html
    assert "Showing 5 of 5." in render(Result(fake_tables(trades=5)))


def test_gross_to_net_adds_up() -> None:
    costs, income = pd.Series({"fee": 30.0, "funding": -10.0, "tax": 0.0}), pd.Series({"dividend": 5.0})
    table = html_tables.cost_table(costs, income, 85.0, "USD")  # gross 100: less 30, plus 10, plus 5
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr class=.*?</tr>", table)]
    assert [row[0] for row in rows] == ["Gross trading PnL", "Fee", "Funding", "Dividend", "Net PnL"]
    assert [row[1].replace("\N{MINUS SIGN}", "-") for row in rows] == ["100.00", "-30.00", "10.00", "5.00", "85.00"]
    assert rows[1][2] == "\N{MINUS SIGN}30.0 %"


def test_a_losing_run_has_no_shares_of_gross() -> None:
    assert "not positive" in html_tables.cost_table(pd.Series({"fee": 1.0}), pd.Series(dtype=float), -50.0, "USD")


def test_order_outcomes_count_each_order_once() -> None:
    orders = pd.DataFrame({"order_id": [1, 2, 3], "state": ["FILLED", "FILLED", "REFUSED"], "reason": ["NONE", "NONE", "KILLED"]})
    refused = pd.DataFrame({"order_id": [3, 4], "reason": ["KILLED", "KILLED"]})
    table = html_tables.outcomes(orders, refused)
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row)[:4] for row in re.findall(r"<tr><td>.*?</tr>", table)]
    assert sorted(rows) == [["Filled", "", "2", "50.0 %"], ["Refused", "Killed", "2", "50.0 %"]]


def test_an_order_that_cash_cut_is_called_so() -> None:
    orders = pd.DataFrame({"order_id": [1], "state": ["CANCELLED"], "reason": ["NO_CASH_AT_FILL"]})
    table = html_tables.outcomes(orders, pd.DataFrame())
    assert re.findall(r"<td>(.*?)</td>", table) == ["Cancelled", "Cut by cash"]
    assert "fail" not in table.lower()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=400), st.integers(6, 60))
def test_downsampling_keeps_the_extremes(values: list[int], limit: int) -> None:
    array = np.array(values, dtype=float)
    kept = charts.keep_extremes(array, limit)
    assert len(kept) <= max(limit, 6) and (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, len(array) - 1)
    assert array[kept].min() == array.min() and array[kept].max() == array.max()


def test_long_exposures_are_drawn_as_means() -> None:
    stamps = np.arange(10_000, dtype=np.int64)
    held = np.where(stamps % 2 == 0, 1.0, 0.0)  # in and out: half held, on average
    held[:20] = np.nan  # the whole first stretch is unknown
    at, means = charts.stretch_means(stamps, held)
    assert (at[0], at[1], len(means)) == (0, 20, 500)
    assert np.isnan(means[0]) and (means[1:] == 0.5).all()
    assert len(charts.stretch_means(stamps[:4000], held[:4000])[1]) == 4000


def test_longest_drawdown_is_told_in_days() -> None:
    index = pd.bdate_range("2024-01-01", periods=6, tz="UTC")  # Monday to Monday
    parts = fake_tables(index)
    equity = pd.Series([100.0, 90.0, 100.0, 95.0, 96.0, 97.0], index=index)  # last peak on Wednesday, still below on Monday
    html = render(Result(replace(parts, equity=equity, initial_cash=100.0, trades=Result(parts).trades.iloc[:0])))
    assert "points under water, 5 days" in html


def test_of_a_million_points_few_are_drawn_and_honestly() -> None:
    index = pd.date_range("2022-01-01", periods=1_000_000, freq="min", tz="UTC")
    run = Result(fake_tables(index))
    html = render(run)
    assert "Drawn from 1,000,000 points" in html and "last equity of each UTC day" in html
    drawn = [trace for spec in _specs(html).values() for trace in spec["data"]]
    assert len(drawn) > 3 and all(len(trace.get("y", ())) <= charts.MAX_POINTS for trace in drawn)
    spec = _specs(html)["drawdown"]["data"][0]
    deepest = metrics.underwater(run.equity.to_numpy()).min()
    assert min(spec["y"]) == pytest.approx(deepest, rel=1e-6) == pytest.approx(run.metrics["max_drawdown"], rel=1e-6)


def test_nothing_to_render_is_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        render([])


def test_numbers_as_read() -> None:
    assert number(-1234.567) == "\N{MINUS SIGN}1,234.57" and number(-0.001) == "0.00"
    assert number(float("nan")) == "\N{EN DASH}" and number(float("inf")) == "∞"
    assert percent(0.1234) == "12.3 %" and percent(float("nan")) == "\N{EN DASH}"
    assert quantity(100.0) == "100" and quantity(0.00125) == "0.00125" and quantity(1200.5) == "1,200.5"
    assert card_text("turnover", 3.14) == "3.1\N{MULTIPLICATION SIGN}"


@pytest.mark.parametrize(
    ("low", "high", "percent", "form"),
    [
        (850_000.0, 1_010_000.0, False, "~s"),  # steps of 50,000: 850k, 900k, ... 1M
        (999_909.0, 1_000_007.0, False, "~s"),  # steps of 20 on 7 digits: 999.92k, 999.94k fit in the six of "~s"
        (1_000_000.0, 1_000_003.0, False, ",.1~f"),  # steps of 0.5: "~s" shows six digits, 1M each
        (0.93, 1.12, False, ",.2~f"),  # "~s" shows 950m
        (-0.16, 0.0, True, ".0%"),
        (-0.0001, 0.0, True, ".3~%"),  # steps of 0.002 %
    ],
)
def test_ticks_are_told_apart(low: float, high: float, percent: bool, form: str) -> None:
    assert axes.tick_format(low, high, percent=percent) == form


def test_an_account_that_never_moves_is_drawn_within_a_per_cent() -> None:
    assert axes.value_axis([1e6, None, 1e6]) == {"tickformat": "~s", "range": [990_000.0, 1_010_000.0]}
    assert axes.value_axis([0.0, 0.0], percent=True) == {"tickformat": ".0%"}
    assert axes.value_axis([]) == {"tickformat": "~s"}
    parts = fake_tables()
    flat = Result(replace(parts, equity=parts.equity * 0.0 + 5000.0, initial_cash=5000.0, benchmark=None))
    assert _specs(render(flat))["equity"]["layout"]["yaxis"]["range"] == [4950.0, 5050.0]


def test_bars_begin_at_nothing() -> None:
    bars = [{"type": "bar", "x": [1, 2], "y": [390, 390]}]
    assert "range" not in charts.figure(bars, height=100, legend=False)["layout"]["yaxis"]


def test_dates_have_room_for_their_year(html: str) -> None:
    dated = [spec["layout"]["xaxis"] for spec in _specs(html).values() if spec["layout"]["xaxis"].get("type") == "date"]
    assert len(dated) == 3 and all(axis["automargin"] for axis in dated)


def _heads(html: str, title: str) -> list[str]:
    body = html[html.index(f"<h2>{title}</h2>") :]
    return re.findall(r"<th[^>]*>(.*?)</th>", body[: body.index("</thead>")])


def _cells(html: str, title: str) -> list[list[str]]:
    body = html[html.index(f"<h2>{title}</h2>") :]
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(<td.*?)</tr>", body[: body.index("</table>")])]


def test_amounts_and_prices_name_their_currencies() -> None:
    parts = fake_tables(trades=2)
    trips = Result(parts).round_trips.assign(
        instrument=["AAPL", "TM"], entry_price=[190.0, 2500.0], exit_price=[191.0, 2600.0], pnl=-1234.5
    )
    lots = Result(parts).trades.assign(instrument="TM", pnl=-0.4)
    told = replace(parts, round_trips=trips.drop(columns=["mae", "mfe"]), trades=lots, price_currencies={"AAPL": "USD", "TM": "JPY"})
    html = render(Result(told))
    trip_heads = _heads(html, "Round trips, flat to flat")
    assert trip_heads[5:10] == ["Entry price", "Exit price", "Prices in", "MAE, USD", "MFE, USD"] and trip_heads[-1] == "PnL, USD"
    assert [row[5:8] for row in _cells(html, "Round trips, flat to flat")] == [["190.00", "191.00", "USD"], ["2,500.00", "2,600.00", "JPY"]]
    minus = "\N{MINUS SIGN}"
    assert {row[-1] for row in _cells(html, "Round trips, flat to flat")} == {f"{minus}1,234.50"}
    lot_heads = _heads(html, "Closed lots, first in first out")
    assert lot_heads[5:] == ["Entry price, JPY", "Exit price, JPY", "Fees, USD", "PnL, USD"]
    assert "<h2>Equity, USD</h2>" in html and "<h2>Costs by kind, USD</h2>" in html
    yen = render(Result(replace(told, currency="JPY")))
    assert {row[-1] for row in _cells(yen, "Round trips, flat to flat")} == {f"{minus}1,234"}
    assert {row[-1] for row in _cells(yen, "Closed lots, first in first out")} == {"0"}
    both = render([Result(told), Result(replace(told, currency="JPY"))])
    assert "<h2>Costs by kind, each in the currency of its account</h2>" in both
    assert Page(both).metrics["average_loss"] == [f"{minus}1,234.50 USD", f"{minus}1,234 JPY"]


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (1234.5, "USD", "1,234.50"),
        (0.005, "", "0.01"),
        (2_500_000_000.4, "JPY", "2,500,000,000"),
        (-0.3, "KRW", "0"),
        (0.00123456, "BTC", "0.00123456"),
        (math.nan, "USD", "\N{EN DASH}"),
    ],
)
def test_money_has_the_decimals_of_its_currency(value: float, currency: str, text: str) -> None:
    assert money(value, currency) == text


@pytest.mark.parametrize(
    ("index", "period"),
    [
        (pd.date_range("2024-01-02", periods=3 * 1440, freq="min", tz="UTC"), "1 min"),  # three days: from point to point
        (pd.date_range("2024-01-02", periods=7 * 24, freq="h", tz="UTC"), "1 d"),  # seven: the last of each day
        (pd.bdate_range("2024-01-01", periods=30, tz="UTC"), "1 d"),
        (pd.date_range("2024-01-07", periods=9, freq="W", tz="UTC"), "7 d"),
    ],
)
def test_tail_measures_say_over_how_long(index: pd.DatetimeIndex, period: str) -> None:
    run = Result(fake_tables(index))
    assert return_period(charts.drawn("", run.equity, 1.0, run.exposure, None, run.costs, "USD").annual) == period
    html = render(run)
    assert html.count(f"<small>of returns over {period}</small>") == 4
    assert f"VaR and shortfall are of returns over {period}." in render([run, run])


def test_returns_that_are_undefined_are_not_counted() -> None:
    index = pd.bdate_range("2024-01-01", periods=6, tz="UTC")
    equity = pd.Series([100.0, 50.0, 0.0, 0.0, 10.0, 11.0], index=index)  # two returns on nothing are none
    html = render(Result(replace(fake_tables(index), equity=equity, initial_cash=100.0)))
    assert "3 returns from point to point, over 1 d." in html
