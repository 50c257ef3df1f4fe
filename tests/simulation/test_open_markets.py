"""A session on a market that is open, and the backtest of what it was fed: one thing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.data.tape import build
from framework.data.tape.survey import published
from framework.engine.audit import Audit
from framework.engine.tape_feeds import OpenTape
from framework.engine.venue_market import VenueMarket
from framework.errors import InputError
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step
from framework.simulation.ground import Ground
from framework.simulation.settings import RunSettings
from framework.simulation.through import run_through

MS = 1_000_000
SECOND = 1000 * MS
START = 1_704_067_200 * SECOND  # 2024-01-01
X = Instrument("X", tick=Step(1, 1))


def books(count: int) -> Any:
    """A book around 100 that walks, and trades; each known 3 to 40 ms after it happened."""
    random = np.random.default_rng(5)
    rows = []
    for k in range(count):
        venue_ns = START + (k + 1) * 100 * MS
        local_ns = venue_ns + int(random.integers(3, 40)) * MS
        mid = 100 + k // 7 % 5
        if k % 10 == 0:
            side = (Flag.BUY, mid - 1), (Flag.SELL, mid + 1)
            for place, (flag, price) in enumerate(side):
                first = int(Flag.CLEAR) if place == 0 else 0
                last = int(Flag.LAST) if place == 1 else 0
                rows.append((local_ns, venue_ns, Kind.DEPTH, int(Flag.SNAPSHOT) | int(flag) | first | last, 0, price, 9, 0, place, k))
        else:
            rows.append((local_ns, venue_ns, Kind.TRADE, int(Flag.SELL if k % 2 else Flag.BUY), 0, mid - k % 3 + 1, 3, k, 0, k))
    return np.array(rows, dtype=EVENT)


class Quoter(Strategy):
    """Bids at the last trade, and takes it back at the next."""

    def on_start(self, view: Any) -> None:
        self.last = -1

    def on_trade(self, view: Any, trade: Any) -> None:
        if self.last >= 0:
            view.cancel(self.last)
        self.last = view.order("X", 1, limit=trade.price)


def paper(market: VenueMarket, events: Any, settings: RunSettings, strategy: Strategy) -> Any:
    """The records of a session on a market without a tape, fed message by message."""
    left = iter(range(len(events)))

    def come(tape: OpenTape, due_ns: int) -> None:
        row = next(left, None)
        if row is None:
            tape.end()
        else:
            tape.append(events[row : row + 1])

    ground = Ground(market, settings)
    trader = ground.trader(strategy)
    audit = Audit({}, trader.take_log)
    run_through(strategy, ground, trader, audit, OpenTape(come, start_ns=START))
    return audit.records


def test_a_paper_session_is_the_backtest_of_what_it_was_fed() -> None:
    events = books(400)
    tape = build({}, {"X": X}, extra=events, name="journal")
    of = tape.ticks()
    assert of is not None
    market = VenueMarket((X,), published=of)
    settings = RunSettings.of({"latency": {"entry_ns": 20 * MS, "response_ns": 15 * MS}, "venue": {"prices_at": "local"}})
    session = paper(market, tape.events, settings, Quoter())  # a calendar's events are fed too
    latency = {"entry_ns": 20 * MS, "response_ns": 15 * MS}
    result = backtest(Quoter(), tape, latency=latency, venue={"prices_at": "local"})
    assert len(result.fills) > 10
    assert session.tobytes() == result.audit.records.tobytes()


def test_where_prices_are_seen_is_a_setting_and_decides_fills() -> None:
    tape = build({}, {"X": X}, extra=books(400), name="journal")
    ahead, beside = (backtest(Quoter(), tape, venue={"prices_at": where}) for where in ("venue", "local"))
    assert ahead.fills["ts"].tolist() != beside.fills["ts"].tolist()
    local = set(pd.to_datetime(books(400)["ts_local_ns"], utc=True))
    assert set(beside.fills["ts"]) <= local, "the venue trades when we see the trade"
    assert not set(ahead.fills["ts"]) <= local
    assert beside.audit.header["venue"]["prices_at"] == "local"  # type: ignore[index]


def test_a_market_has_the_hours_of_its_calendar() -> None:
    market = VenueMarket((Instrument("A", calendar="XNYS"), Instrument("B", calendar="24/7")))
    assert market.calendars == ("24/7", "XNYS")
    at = int(pd.Timestamp("2024-07-03 13:00", tz="UTC").value)
    assert pd.to_datetime(market.opens("XNYS", at, 2), utc=True).tolist() == [
        pd.Timestamp("2024-07-03 13:30", tz="UTC"),
        pd.Timestamp("2024-07-05 13:30", tz="UTC"),
    ], "the 4th is a holiday"
    assert pd.to_datetime(market.closes("XNYS", at, 1), utc=True)[0] == pd.Timestamp("2024-07-03 17:00", tz="UTC"), "closed early"
    assert len(market.opens("24/7", at, 1000)) == 1000
    assert market.digest() == VenueMarket(market.listed[::-1]).digest() != VenueMarket(market.listed[:1]).digest()


def test_a_timer_of_a_session_fires_on_a_market_without_a_tape() -> None:
    class Closes(Strategy):
        def on_start(self, view: Any) -> None:
            view.timers.session_close(-dt.timedelta(minutes=10), name="close")
            self.fired: list[int] = []

        def on_timer(self, view: Any, name: str) -> None:
            self.fired.append(view.now_ns)

    strategy = Closes()
    ground = Ground(VenueMarket((Instrument("A", calendar="XNYS"),)), RunSettings())
    trader = ground.trader(strategy)
    audit = Audit({}, trader.take_log)
    start_ns = int(pd.Timestamp("2024-07-03", tz="UTC").value)
    until = iter([pd.Timestamp("2024-07-03 16:49", tz="UTC"), pd.Timestamp("2024-07-09", tz="UTC")])

    def come(tape: OpenTape, due_ns: int) -> None:
        stamp = next(until, None)
        tape.end() if stamp is None else tape.safe(int(stamp.value))

    run_through(strategy, ground, trader, audit, OpenTape(come, start_ns=start_ns))
    fired = pd.to_datetime(strategy.fired, utc=True).tolist()
    assert fired == [pd.Timestamp(stamp, tz="UTC") for stamp in ("2024-07-03 16:50", "2024-07-05 19:50", "2024-07-08 19:50")]


def test_what_is_no_market_is_refused() -> None:
    with pytest.raises(InputError, match="at least one instrument, and each symbol once"):
        VenueMarket((X, X))
    with pytest.raises(InputError, match="X: calendar 'bars'; rule: an open market has hours before its bars come"):
        VenueMarket((Instrument("X", calendar="bars"),))


def test_what_a_venue_publishes_need_not_be_known_to_the_tick() -> None:
    """Books without a span: their windows follow the best price."""
    events = books(200)
    market = VenueMarket((X,), published=published(books=[0]))
    assert len(paper(market, events, RunSettings(), Quoter())) > 20
