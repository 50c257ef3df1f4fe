"""Legs of latency from configs and files, keyed draws, and a feed that comes later."""

from __future__ import annotations

from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest, compiled, sweep
from framework.config import parse_latency
from framework.data.tape import Tape, build
from framework.errors import ConfigError, DataError
from framework.kernel.machine.random import keyed_word, uniform
from framework.kernel.venue.latency_legs import ORDER_ENTRY, RESPONSE, Leg
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.simulation.audited_run import replay
from framework.simulation.configured_latency import latencies_of, settled, with_feed_latency
from framework.simulation.decision_times import timed_decisions
from tests.seeds import seeds

SECOND = 1_000_000_000
START = pd.Timestamp("2024-01-02T10:00Z").value
WORD = 2**64
LOGNORMAL = {"model": "lognormal", "median_ns": 2e8, "sigma": 1.0}


def splitmix(state: int) -> int:
    """One output of splitmix64, from the reference implementation in C (Vigna, public domain), in whole numbers of Python."""
    z = (state + 0x9E3779B97F4A7C15) % WORD
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
    return z ^ (z >> 31)


def test_draws_are_splitmix_over_the_words_of_their_key() -> None:
    assert splitmix(0) == 0xE220A8397B1DCDAF  # the known first output of seed 0
    for key in ((0, 0, 0), (7, 3, 1), (-5, 2**40, -1)):
        h = splitmix(key[0] % WORD)
        for word in key[1:]:
            h = splitmix(h ^ (word % WORD))
        assert keyed_word(*key) % WORD == h
        assert uniform(*key) == (h >> 11) / 2**53


def test_lognormal_draws_have_their_quantiles() -> None:
    leg = latencies_of(parse_latency({"entry_ns": {"model": "lognormal", "median_ns": 1e6, "sigma": 0.5}}), 0).order_entry
    draws = np.sort(leg.delays(np.arange(40_000), 1, ORDER_ENTRY, 11))
    for chance in (0.01, 0.25, 0.5, 0.75, 0.99):
        expected = 1e6 * np.exp(0.5 * NormalDist().inv_cdf(chance))
        assert draws[int(chance * len(draws))] == pytest.approx(expected, rel=0.02)
    least = 1e6 * np.exp(0.5 * NormalDist().inv_cdf(1 / 8192))
    assert draws[0] >= round(least)


def test_a_sample_is_drawn_between_its_quantiles() -> None:
    draws = Leg(quantiles_ns=np.array([100, 200, 1000])).delays(np.arange(40_000), 1, RESPONSE, 3)
    assert draws.min() >= 100 and draws.max() <= 1000
    assert np.mean(draws <= 200) == pytest.approx(0.5, abs=0.01)  # straight lines: half below the median
    assert np.mean(draws <= 600) == pytest.approx(0.75, abs=0.01)


def test_each_leg_and_each_seed_draws_for_itself() -> None:
    leg = Leg(quantiles_ns=np.array([0, SECOND]))
    stamps = np.arange(100)
    one = leg.delays(stamps, 1, ORDER_ENTRY, 3)
    assert (one == leg.delays(stamps, 1, ORDER_ENTRY, 3)).all()
    for other in (leg.delays(stamps, 1, RESPONSE, 3), leg.delays(stamps, 1, ORDER_ENTRY, 4), leg.delays(stamps, 2, ORDER_ENTRY, 3)):
        assert np.count_nonzero(one == other) == 0


def ticks(*symbols: str) -> Tape:
    """A book a second for a minute and a trade in between, for each symbol; another instrument's come half a second later."""
    rows: list[tuple[int, ...]] = []
    for number, _ in enumerate(symbols):
        for k in range(60):
            at = START + k * SECOND + number * SECOND // 2
            first = Flag.SNAPSHOT | Flag.CLEAR
            rows.append((at, at, Kind.DEPTH, Flag.BUY | first, number, 9_900, 50, 0, 0, 0))
            rows.append((at, at, Kind.DEPTH, Flag.SELL | Flag.SNAPSHOT | Flag.LAST, number, 10_100, 50, 0, 0, 0))
            rows.append((at + SECOND // 4, at + SECOND // 4, Kind.TRADE, Flag.SELL, number, 9_900, 1, 0, 0, 0))
    return build({}, {symbol: Instrument(symbol) for symbol in symbols}, extra=np.array(rows, dtype=EVENT), name="ticks")


FEED = {"feed_ns": {"model": "sampled", "quantiles_ns": [0, 10 * SECOND]}}


def test_a_feed_that_varies_never_tells_the_later_tick_first() -> None:
    tape = ticks("A")
    received = with_feed_latency(tape, parse_latency(FEED), 5)
    assert sorted(received.events["ts_venue_ns"].tolist()) == sorted(tape.events["ts_venue_ns"].tolist())
    late = received.events["ts_local_ns"] - received.events["ts_venue_ns"]
    assert late.min() >= 0 and late.max() > SECOND
    assert (np.diff(received.events["ts_local_ns"]) >= 0).all()
    mine = received.events[received.events["kind"] != Kind.SESSION]
    assert (np.diff(mine["ts_venue_ns"]) >= 0).all(), "one instrument's ticks keep their order"
    sessions = [events[events["kind"] == Kind.SESSION] for events in (tape.events, received.events)]
    assert sessions[0].tobytes() == sessions[1].tobytes()


def test_another_instrument_does_not_change_what_we_hear_of_the_first() -> None:
    alone = with_feed_latency(ticks("A"), parse_latency(FEED), 5).events
    beside = with_feed_latency(ticks("A", "B"), parse_latency(FEED), 5).events
    assert alone[alone["kind"] == Kind.TRADE].tobytes() == beside[(beside["kind"] == Kind.TRADE) & (beside["instrument"] == 0)].tobytes()
    other = with_feed_latency(ticks("A"), parse_latency(FEED), 6).events
    assert (other["ts_local_ns"] != alone["ts_local_ns"]).any()


class Quotes(Strategy):
    """Bids each second and takes the bid of `patience` seconds ago back; `more` adds orders at the end."""

    patience: int = 3
    more: int = 0

    def on_start(self, view: Any) -> None:
        self.seconds = 0

    def on_book(self, view: Any, book: Any) -> None:
        self.seconds += 1
        if self.seconds <= 20:
            view.buy("A", 1, limit=99.0)
        elif self.seconds <= 40:
            view.cancel(self.seconds - 21)
        if self.seconds == 20:
            for _ in range(self.more):
                view.buy("A", 1, limit=98.0)


def test_one_more_order_does_not_shift_the_draws_of_the_others() -> None:
    latency = {"entry_ns": LOGNORMAL, "response_ns": LOGNORMAL, "decision_ns": LOGNORMAL}
    few, many = (backtest(Quotes(more=more), ticks("A"), latency=latency, seed=9) for more in (0, 3))
    assert len(many.orders) == len(few.orders) + 3 == 23
    columns = ["decided_at", "accepted_at", "state", "reason"]
    live = few.orders["state"] != "EXPIRED"  # what ends with the data ends when the last answer of all is told
    assert live.any()
    pd.testing.assert_frame_equal(few.orders[live][columns], many.orders[:20][live][columns])
    assert few.orders["accepted_at"].nunique() == 20
    # Answers are told in their order: where one about a further order is slow, those behind it are told with it.
    records = many.audit.records
    slow = set(records["ts_local_ns"][(records["kind"] == Kind.ORDER_ACCEPTED) & (records["w0"] >= 20)].tolist())
    alone, beside = (result.orders[:20][live]["done_at"].astype("int64").to_numpy() for result in (few, many))
    waited = alone != beside
    assert 0 < waited.sum() < 5 and (beside >= alone).all() and set(beside[waited].tolist()) <= slow


class Planned(Strategy):
    """Orders, changes and cancels of a plan: (which trade of A, symbol, what), all of one moment in this order."""

    plan: tuple[tuple[int, str, str], ...] = ()

    def on_start(self, view: Any) -> None:
        self.mine: dict[str, list[int]] = {"A": [], "B": []}
        self.trades = 0

    def on_trade(self, view: Any, trade: Any) -> None:
        if trade.instrument != "A":
            return
        self.trades += 1
        for number, symbol, what in self.plan:
            if number != self.trades:
                continue
            if what == "buy":
                self.mine[symbol].append(view.buy(symbol, 1, limit=99.0))
            elif self.mine[symbol] and what == "cancel":
                view.cancel(self.mine[symbol][0])
            elif self.mine[symbol]:
                view.replace(self.mine[symbol][-1], limit=98.0)


def of_a(result: Any) -> pd.DataFrame:
    """What became of the orders in A, one by one; what ends with the data ends when the last answer of all is told, so without that."""
    orders = result.orders[result.orders["instrument"] == "A"].reset_index(drop=True)
    orders["done_at"] = orders["done_at"].where(orders["reason"] != "END_OF_DATA")
    return orders[["decided_at", "accepted_at", "done_at", "state", "reason", "filled_quantity"]]


@pytest.mark.parametrize("seed", seeds(12, __name__))
def test_orders_in_another_instrument_change_no_draw(seed: int) -> None:
    """Random plans in A, with and without random plans in B mixed into them, which take numbers before and between A's."""
    random = np.random.default_rng(seed)

    def plan(symbol: str, count: int) -> list[tuple[int, str, str]]:
        words = random.choice(["buy", "buy", "cancel", "replace"], count)
        return [(int(number), symbol, str(word)) for number, word in zip(random.integers(1, 50, count), words, strict=True)]

    latency = {"entry_ns": LOGNORMAL, "response_ns": LOGNORMAL, "decision_ns": LOGNORMAL}
    mine, others = plan("A", 30), plan("B", 20)
    mixed = [*others[:10], *mine, *others[10:]]
    alone, beside = (backtest(Planned(plan=tuple(chosen)), ticks("A", "B"), latency=latency, seed=seed) for chosen in (mine, mixed))
    assert len(beside.orders) > len(alone.orders) > 0
    pd.testing.assert_frame_equal(of_a(alone), of_a(beside))
    lone = backtest(Planned(plan=tuple(mine)), ticks("A"), latency=latency, seed=seed)
    pd.testing.assert_frame_equal(of_a(alone), of_a(lone))
    other = backtest(Planned(plan=tuple(mine)), ticks("A", "B"), latency=latency, seed=seed + 1)
    assert not of_a(alone)["accepted_at"].equals(of_a(other)["accepted_at"])


def test_two_instruments_draw_for_themselves() -> None:
    """The same orders at the same moments in both: neither entry nor answer takes as long."""
    plan = tuple((number, symbol, "buy") for number in range(1, 21) for symbol in ("A", "B"))
    orders = backtest(Planned(plan=plan), ticks("A", "B"), latency={"entry_ns": LOGNORMAL}, seed=3).orders
    one, two = (orders.loc[orders["instrument"] == symbol, "accepted_at"].to_numpy() for symbol in ("A", "B"))
    assert len(one) == len(two) == 20 and not (one == two).any()


def test_chunks_do_not_change_what_is_drawn() -> None:
    latency = {**FEED, "entry_ns": LOGNORMAL, "response_ns": LOGNORMAL, "decision_ns": LOGNORMAL}
    whole = backtest(Quotes(), ticks("A"), latency=latency)
    for events in (1, 7):
        assert backtest(Quotes(), ticks("A"), latency=latency, chunk_events=events).audit_hash == whole.audit_hash
    assert backtest(Quotes(), ticks("A"), latency=latency, seed=1).audit_hash != whole.audit_hash
    assert replay(Quotes(), ticks("A"), whole.audit).audit_hash == whole.audit_hash


@compiled
class CompiledQuotes(Strategy):
    """Bids each second for twenty, then takes the bids back one by one."""

    def on_book(self, view, book):  # type: ignore[no-untyped-def]
        if view.next_order_id < 20:
            view.order(0, 1.0, limit=99.0)
        else:
            for k in range(20):
                if not view.is_done(k):
                    view.cancel(k)
                    break


def test_compiled_and_python_draw_the_same() -> None:
    latency = {"entry_ns": LOGNORMAL, "response_ns": LOGNORMAL, "decision_ns": LOGNORMAL}
    fast = backtest(CompiledQuotes(), ticks("A"), latency=latency)
    slow = backtest(CompiledQuotes.python(), ticks("A"), latency=latency)
    assert fast.audit_hash == slow.audit_hash
    assert (fast.orders["state"] == "CANCELLED").any()


def test_a_sweep_draws_as_a_backtest_does(tmp_path: Path) -> None:
    latency = {**FEED, "entry_ns": LOGNORMAL, "response_ns": LOGNORMAL}
    found = sweep(Quotes, {"patience": [1, 2]}, ticks("A"), latency=latency)
    alone = backtest(Quotes(), ticks("A"), latency=latency)
    assert found.table["final_equity"].tolist() == [float(alone.equity.iloc[-1])] * 2
    assert found.table["fills"].tolist() == [len(alone.fills)] * 2


# -- files


def written(folder: Path, name: str, **columns: list[Any]) -> str:
    path = folder / name
    frame = pd.DataFrame(columns).convert_dtypes()  # whole numbers beside empty cells stay whole
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_csv(path, index=False)
    return str(path)


def test_a_measured_sample_becomes_its_quantiles(tmp_path: Path) -> None:
    values = [500, 100, 300, 200, 400]
    for name in ("sample.csv", "sample.parquet"):
        leg = latencies_of(
            parse_latency({"entry_ns": {"model": "sampled", "file": written(tmp_path, name, latency_ns=values)}}), 0
        ).order_entry
        table = leg.quantiles_ns
        assert table is not None and [table[0], table[1024], table[2048], table[-1]] == [100, 200, 300, 500]


def test_the_audit_names_the_content_of_the_files(tmp_path: Path) -> None:
    path = written(tmp_path, "sample.csv", latency_ns=[10, 20])
    latency = {"feed_ns": {"model": "sampled", "file": path}, "entry_ns": {"model": "sampled", "file": path}}
    result = backtest(Quotes(), ticks("A"), latency=latency)
    digest = result.audit.header["latency"]["feed_ns"]["digest"]  # type: ignore[index]
    assert digest == settled(parse_latency(latency)).feed_ns.digest and len(digest) == 64  # type: ignore[union-attr]
    assert replay(Quotes(), ticks("A"), result.audit).audit_hash == result.audit_hash
    written(tmp_path, "sample.csv", latency_ns=[10, 2000])
    with pytest.raises(DataError, match=r"latency.feed_ns: .*sample.csv has digest .* asked for .*: another file"):
        replay(Quotes(), ticks("A"), result.audit)


RECORDED = {"sent_ns": [1, 5, 9], "arrived_ns": [2, 6, 10], "answered_ns": [3, 7, 11]}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"arrived_ns": [2, 0, 10]}, r"data row 2, .*every message has an arrival and an answer; or set unanswered: leave_out; 1 of 3"),
        ({"answered_ns": [3, 7, None]}, r"data row 3, .*every message has an arrival and an answer"),
        ({"sent_ns": [5, 1, 9]}, r"data row 2, sent_ns = 1; rule: sent_ns does not descend"),
        ({"arrived_ns": [2, 4, 10]}, r"data row 2, arrived_ns = 4; rule: sent_ns <= arrived_ns; where the venue's clock differs"),
        ({"answered_ns": [3, 7, 8]}, r"data row 3, answered_ns = 8; rule: arrived_ns <= answered_ns"),
        ({"sent_ns": [1.5, 5.0, 9.0]}, r"column 'sent_ns' is Float64; rule: whole nanoseconds"),
    ],
)
def test_recorded_traffic_that_cannot_be_is_refused(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    path = written(tmp_path, "traffic.csv", **{**RECORDED, **changed})
    with pytest.raises(DataError, match=rf"latency.entry_ns: .*traffic.csv.*{said}"):
        latencies_of(parse_latency({"entry_ns": {"model": "recorded", "file": path}}), 0)


def test_unanswered_messages_are_left_out_where_asked_and_told_of(tmp_path: Path) -> None:
    path = written(tmp_path, "traffic.csv", **{**RECORDED, "arrived_ns": [2, None, 10]})
    model = {"model": "recorded", "file": path, "unanswered": "leave_out"}
    leg = latencies_of(parse_latency({"entry_ns": model}), 0).order_entry
    assert leg.recorded is not None and leg.recorded.tolist() == [[1, 1], [9, 1]]
    result = backtest(Quotes(), ticks("A"), latency={"entry_ns": model})
    assert any("1 of 3 messages" in note and "left out" in note for note in result.notes)


@pytest.mark.parametrize(
    ("latency", "said"),
    [
        ({"entry_ns": {"model": "sampled"}}, "give either quantiles_ns or file"),
        ({"entry_ns": {"model": "sampled", "quantiles_ns": [5, 3]}}, "3 follows 5; rule: not descending"),
        ({"entry_ns": {"model": "sampled", "quantiles_ns": [5]}}, "1 quantiles; rule: at least 2"),
        ({"entry_ns": {"model": "lognormal", "median_ns": 0, "sigma": 1}}, r"entry_ns.median_ns = 0"),
        ({"entry_ns": {"model": "normal"}}, r"entry_ns.model = 'normal' is not one of its kinds"),
        ({"entry_ns": -5}, r"entry_ns = -5"),
        ({"feed_ns": {"model": "recorded", "file": "x.csv"}}, r"feed_ns.model = 'recorded' is not one of its kinds"),
        ({"delay_ns": 5}, "unknown key delay_ns"),
        ({"entry_ns": {"model": "lognormal", "median": 5, "sigma": 1}}, "unknown key entry_ns.median"),
    ],
)
def test_a_wrong_word_is_named(latency: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_latency(latency)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=r"latency.entry_ns.file = 'nowhere.csv': No such file"):
        backtest(Quotes(), ticks("A"), latency={"entry_ns": {"model": "recorded", "file": "nowhere.csv"}})


# -- the time of decisions


def test_measured_decisions_can_be_charged(tmp_path: Path) -> None:
    strategy = Quotes()
    with timed_decisions(strategy) as times:
        backtest(strategy, ticks("A"))
    frame = times.frame()
    assert list(frame.columns) == ["ts", "wake", "commands", "latency_ns"]
    assert set(frame["wake"]) == {"BOOK"} and frame["commands"].sum() == 20 + 20 - len(backtest(Quotes(), ticks("A")).fills)
    assert (frame["latency_ns"] > 0).all()
    path = tmp_path / "decisions.parquet"
    frame.assign(latency_ns=3 * SECOND).to_parquet(path)
    result = backtest(Quotes(), ticks("A"), latency={"decision_ns": {"model": "sampled", "file": str(path)}})
    assert set(result.orders["accepted_at"] - result.orders["decided_at"]) == {pd.Timedelta(seconds=3)}


def test_decisions_that_cannot_be_timed_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"CompiledQuotes runs compiled.*time CompiledQuotes.python"), timed_decisions(CompiledQuotes()):
        pass
    strategy = Strategy()
    with timed_decisions(strategy) as times:
        backtest(strategy, ticks("A"))
    with pytest.raises(ConfigError, match="Strategy sent nothing"):
        times.frame()
