"""The examination itself: scores, counts, parts of any size, rules over stamps, and real files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.data.formats import bars, binance, databento, freqtrade, lean, lean_actions, lobster
from framework.data.quality import stretches
from framework.data.quality.examine import examine
from framework.data.quality.findings import RULES, Examination, Finding, Severity
from framework.data.quality.prices import SPLIT_RATIOS
from framework.data.quality.row_rules import longest_by_chance
from framework.data.tape import build
from framework.data.tape.recording import Recording
from framework.errors import DataError
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from tests.data.quality.good_files import DAY, GOOD, MINUTE, NOW_NS, SECOND, hour_frame, trade_frame

T0 = 1_672_531_200 * 10**9  # 2023-01-01


def grave(found: Examination) -> dict[str, int]:
    return {finding.rule: finding.count for finding in found.findings if finding.severity != "note"}


def trades(rows: int = 50) -> np.ndarray:
    events = np.zeros(rows, EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = T0 + np.arange(rows) * SECOND
    events["kind"], events["w0"], events["w1"] = Kind.TRADE, 1000 + np.arange(rows) % 3, 5
    return events


def as_recording(events: np.ndarray, *symbols: str) -> Recording:
    return Recording(tuple(Instrument(symbol) for symbol in symbols or ("ACME",)), lambda: iter([events]), "here")


def finding(severity: Severity, share: float, symbol: str = "A") -> Finding:
    return Finding("spike", severity, symbol, 0, 0, 1, share, "said")


@pytest.mark.parametrize(
    ("found", "score"),
    [
        ([], 100.0),
        ([finding("note", 1.0)], 100.0),
        ([finding("warning", 1e-6)], 99.0),  # the cap
        ([finding("warning", 0.2)], 80.0),  # 100 - 20 * 1
        ([finding("error", 1e-6)], 79.0),
        ([finding("error", 0.05), finding("warning", 0.1)], 40.0),  # 100 - 5 * 10 - 10 * 1
        ([finding("error", 0.3)], 0.0),
    ],
)
def test_the_score_of_an_instrument(found: list[Finding], score: float) -> None:
    assert Examination("x", {"A": 10}, {}, 0, 0, tuple(found)).score_of("A") == pytest.approx(score)


def test_the_score_of_all_is_the_mean_by_rows_under_the_cap() -> None:
    found = (finding("warning", 0.4),)
    both = Examination("x", {"A": 100, "B": 300}, {}, 0, 0, found)
    assert both.score == pytest.approx((60 * 100 + 100 * 300) / 400)
    assert Examination("x", {"A": 1, "B": 10**9}, {}, 0, 0, found).score == 99


def test_every_finding_has_a_way_out_and_machines_can_read_it(tmp_path: Path) -> None:
    path = GOOD["daily"].write(tmp_path)
    frame = pd.read_csv(path)
    frame.loc[200:240, ["open", "high", "low", "close"]] *= 100
    frame.to_csv(path, index=False)
    found = examine(GOOD["daily"].read(path), now_ns=NOW_NS)
    words = json.loads(found.to_json())
    assert words["score"] == round(found.score, 2) < 80 and words["rows"] == {"ACME": 501}
    [error] = [one for one in words["findings"] if one["severity"] == "error"]
    assert (error["rule"], error["count"], error["symbol"]) == ("units", 2, "ACME")  # up, and down again
    assert error["way_out"] == RULES["units"][1]
    assert "about 10^2" in error["sentence"]
    table = found.frame()
    assert table.loc[table["rule"] == "units", "first"].tolist() == [pd.Timestamp("2022-10-19 20:00", tz="UTC")]


@pytest.mark.parametrize(("block", "held", "part"), [(300, 10**6, 97), (65_536, 2_000, 500), (65_536, 10**6, 10**6)])
def test_parts_and_blocks_of_any_size_find_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, held: int, part: int
) -> None:
    monkeypatch.setattr(stretches, "BLOCK_ROWS", block)
    monkeypatch.setattr(stretches, "HELD_ROWS", held)
    frame = trade_frame()
    frame.loc[[1500, 4200], "price"] *= 1.5
    frame["price"] = frame["price"].round(2)
    frame.loc[3000:3100, "trade_id"] -= 101
    path = tmp_path / "acme.csv"
    frame.to_csv(path, index=False)
    events = GOOD["trades"].read(path).events()
    whole = GOOD["trades"].read(path)
    cut = Recording(whole.instruments, lambda: (events[k : k + part] for k in range(0, len(events), part)), "cut")
    found = examine(cut)
    assert found.rows == {"acme": 6000} and found.kinds == {"TRADE": 6000}
    assert grave(found)["spike"] == 2
    assert grave(found)["duplicate"] == 101


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("venue_after_local", lambda events: events["ts_venue_ns"].__setitem__(7, T0 + 8 * SECOND)),
        ("late", lambda events: events["ts_venue_ns"].__setitem__(slice(None, 10), T0 - 2 * MINUTE)),
        ("venue_backwards", lambda events: events["ts_venue_ns"].__setitem__(7, T0 - 3 * MINUTE)),
        ("epoch", lambda events: (events["ts_local_ns"].__isub__(T0), events["ts_venue_ns"].__isub__(T0))),
        ("backwards", lambda events: events["ts_local_ns"].__setitem__(7, T0)),
        ("size", lambda events: events["w1"].__setitem__(7, 0)),
        ("price", lambda events: events["w0"].__setitem__(7, -1)),
    ],
)
def test_rules_over_stamps_and_words(rule: str, change: object) -> None:
    events = trades()
    assert grave(examine(as_recording(events), now_ns=NOW_NS)) == {}
    change(events)  # type: ignore[operator]
    assert rule in grave(examine(as_recording(events), now_ns=NOW_NS))


def test_the_future_needs_a_now() -> None:
    assert grave(examine(as_recording(trades()))) == {}
    assert grave(examine(as_recording(trades()), now_ns=T0 + 39 * SECOND)) == {"future": 10}


def test_a_snapshot_may_be_old() -> None:
    events = trades(10)
    events["kind"], events["flags"] = Kind.DEPTH, int(Flag.BUY | Flag.SNAPSHOT | Flag.LAST)
    events["ts_venue_ns"] -= DAY
    assert "late" not in grave(examine(as_recording(events)))


def test_a_known_split_is_no_finding(tmp_path: Path) -> None:
    frame = pd.read_csv(GOOD["daily"].write(tmp_path)).astype({"volume": float})
    frame.loc[250:, ["open", "high", "low", "close"]] = (frame.loc[250:, ["open", "high", "low", "close"]] / 4).round(4)
    frame.loc[250:, "volume"] *= 4
    path = tmp_path / "SPLIT.csv"
    frame.to_csv(path, index=False)
    recording = bars.read(path, calendar="XNYS")
    [one] = [one for one in examine(recording).findings if one.severity != "note"]
    assert one.rule == "split_like" and "about 4:1" in one.sentence
    actions = pd.DataFrame({"symbol": ["SPLIT"], "ts": [pd.Timestamp(frame["ts"][250], tz="UTC")], "kind": ["split"], "value": ["4:1"]})
    assert grave(examine(recording, actions=actions)) == {}
    tape = build({}, {"SPLIT": recording.instruments[0]}, actions=actions, extra=recording.events(), name="with its split")
    assert grave(examine(tape)) == {}


def test_what_is_not_judged_is_said(tmp_path: Path) -> None:
    recording = bars.read(GOOD["minute"].write(tmp_path))  # nobody says where it trades
    found = examine(recording)
    assert grave(found) == {} and "Name the calendar" in found.limits[0]
    thin = Recording(recording.instruments, lambda: iter([np.delete(recording.events(), np.r_[1000:1020])]), "thin")
    assert "missing_bars" not in grave(examine(thin))
    assert grave(examine(thin, calendar="XNYS"))["missing_bars"] == 20


def test_bars_of_a_thin_market_may_be_missing(tmp_path: Path) -> None:
    frame = hour_frame()
    kept = np.random.default_rng(3).random(len(frame)) < 0.7
    kept[1000:1100] = True
    path = tmp_path / "thin.csv"
    frame[kept].to_csv(path, index=False)
    assert "missing_bars" not in grave(examine(bars.read(path, epoch="ms")))
    kept[1000:1060] = False
    frame[kept].to_csv(path, index=False)
    assert grave(examine(bars.read(path, epoch="ms")))["missing_bars"] >= 60


def test_longest_by_chance_is_near_what_is_drawn() -> None:
    draws = np.random.default_rng(1).random((200, 5000)) < 0.3
    longest = [max(len(run) for run in "".join("x" if hit else " " for hit in row).split()) for row in draws]
    assert longest_by_chance(0.3, 5000) > max(longest) > longest_by_chance(0.3, 5000) / 2


def test_an_array_that_is_no_part_is_refused() -> None:
    with pytest.raises(DataError, match="expected EVENT"):
        examine(Recording((Instrument("A"),), lambda: iter([np.zeros(3)]), "here"))


# Real files


@pytest.mark.parametrize("interval", ["1d", "4h", "1h"])
def test_real_klines_pass(shared: Path, interval: str) -> None:
    """The crash of 10 October 2025 is in all of them: wicks of half the price that are true."""
    columns = {"quote_volume": "", "trades": "", "close_time": ""}
    for path in sorted((shared / "03_crypto/gravestone-data" / interval).iterdir()):
        assert grave(examine(bars.read(path, bar_stamp="open", epoch="ms", columns=columns))) == {}, path.name


def test_real_freqtrade_files_pass(shared: Path) -> None:
    for path in sorted((shared / "03_crypto/freqtrade").rglob("*.feather")):
        assert grave(examine(freqtrade.read(path))) == {}, path.name


def test_real_books_pass(shared: Path) -> None:
    folder = shared / "05_l2_l3_books"
    name = "AAPL_2012-06-21_{}_50.csv"
    messages, book = folder / "orderbook/tests" / name.format("message"), folder / "orderbook/tests" / (name.format("orderbook") + ".gz")
    assert grave(examine(lobster.read(messages, orderbook=book))) == {}
    capture = binance.read(folder / "hftbacktest/spot/btcusdt_20240808.gz", truncated="allow", clock_offset_ns=1_300_000_000)
    found = examine(capture)
    assert grave(found) == {} and "first 100,000 of 126,106" in found.limits[0]


@pytest.mark.extra(name="data")
def test_a_real_auction_is_no_crossed_book(shared: Path) -> None:
    pytest.importorskip("databento_dbn", reason='needs the extra "data"')
    found = examine(databento.read(shared / "05_l2_l3_books/nautilus_trader/databento/esh4-glbx-mdp3-20231225.mbo.dbn.zst"))
    crossed = {one.severity: one.count for one in found.findings if one.rule == "book_crossed"}
    assert crossed == {"note": 891}  # Globex before its open at 23:00 UTC


def test_true_faults_of_real_daily_bars(shared: Path) -> None:
    """A low of 10.59 at 184, a high of 144.12 at 114: nobody traded there."""
    folder = shared / "01_equity_daily/Lean/equity/usa/daily"
    found = {}
    for ticker in ("aapl", "spy", "goog", "googl"):
        found[ticker] = grave(examine(lean.read(folder / f"{ticker}.zip", reference=shared / "00_reference/Lean")))
    assert found == {"aapl": {"split_like": 4, "wick": 3}, "spy": {"wick": 2}, "goog": {"split_like": 1, "wick": 1}, "googl": {}}


def test_the_split_of_aapl_agrees_in_minutes_days_and_factors(shared: Path) -> None:
    """7:1 on 9 June 2014: minutes, days and the factor file tell the same, and once it is told it is no finding."""
    reference = shared / "00_reference/Lean"
    daily = lean.read(shared / "01_equity_daily/Lean/equity/usa/daily/aapl.zip", reference=reference)
    minutes = lean.read(shared / "02_equity_intraday/Lean/equity/usa/minute/aapl", kind="trade", reference=reference)
    actions = lean_actions.actions(shared / "08_corporate_actions/Lean/equity/usa/factor_files/aapl.csv", symbol="AAPL")
    splits = actions[actions["kind"] == "split"]
    [value] = splits.loc[splits["ts"].dt.date.astype(str) == "2014-06-09", "value"]
    assert value == 7
    by_day = daily.events()
    days = pd.DatetimeIndex(by_day["ts_local_ns"], tz="UTC").strftime("%Y-%m-%d")
    before, after = (int(np.flatnonzero(days == day)[0]) for day in ("2014-06-06", "2014-06-09"))
    inside = lean.read(
        shared / "02_equity_intraday/Lean/equity/usa/minute/aapl", kind="trade", reference=reference, hours="session"
    ).events()
    for row, day in ((before, "2014-06-06"), (after, "2014-06-09")):
        mine = inside[pd.DatetimeIndex(inside["ts_local_ns"], tz="UTC").strftime("%Y-%m-%d") == day]
        assert (int(mine["w0"][0]), int(mine["w3"][-1])) == (int(by_day["w0"][row]), int(by_day["w3"][row]))
    assert 7 * by_day["w0"][after] / by_day["w3"][before] == pytest.approx(1, abs=0.01)
    for recording, count in ((daily, 4), (minutes, 1)):
        assert grave(examine(recording))["split_like"] == count
        assert "split_like" not in grave(examine(recording, actions=actions))


def test_ratios_of_splits_are_written_as_whole_numbers() -> None:
    from framework.data.quality.prices import _split

    told = [_split(1 / ratio, 0.0) for ratio in SPLIT_RATIOS]
    assert told[:3] == ["2:1", "3:1", "4:1"] and set(told[-6:]) == {"3:2", "4:3", "5:4", "5:3", "5:2", "7:2"}
    assert _split(8.0, 0.0) == "1:8" and _split(0.9, 0.0) is None


def test_damage_to_real_files_is_found(shared: Path) -> None:
    """Cents, a lost stretch, a repeated block, a spike and a shifted clock in real bars."""
    columns = {"quote_volume": "", "trades": "", "close_time": ""}
    path = shared / "03_crypto/gravestone-data/1h/BTCUSDT.csv.gz"
    good = bars.read(path, bar_stamp="open", epoch="ms", columns=columns)
    events = good.events()

    def damaged(change: object, rows: np.ndarray | None = None) -> dict[str, int]:
        made = events.copy() if rows is None else np.delete(events, rows)
        change(made)  # type: ignore[operator]
        return grave(examine(replace(good, parts=lambda: iter([made]))))

    def cents(made: np.ndarray) -> None:
        for word in ("w0", "w1", "w2", "w3"):
            made[word][1000:1100] *= 100

    def block(made: np.ndarray) -> None:
        for word in ("w0", "w1", "w2", "w3", "w4"):
            made[word][3000:3020] = made[word][500:520]

    def spike(made: np.ndarray) -> None:
        for word in ("w0", "w1", "w2", "w3"):
            made[word][2000] = made[word][2000] * 13 // 10

    assert "units" in damaged(cents)
    assert "repeated_block" in damaged(block)
    assert "spike" in damaged(spike)
    assert damaged(lambda made: None, np.r_[2500:2504]) == {"missing_bars": 4}


def test_every_rule_is_in_the_how_to() -> None:
    page = (Path(__file__).parents[3] / "docs/how-to/check-data.md").read_text(encoding="utf-8")
    assert [rule for rule in RULES if f"`{rule}` {RULES[rule][0]}" not in page] == []
