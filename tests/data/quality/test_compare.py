"""Two feeds of one instrument: shifts in time, since when, units, holes, and what they differ by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.data.formats import table
from framework.data.quality.compare import compare
from framework.data.quality.findings import Examination
from framework.data.tape.recording import Recording
from framework.errors import DataError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from tests.data.quality.good_files import DAY, HOUR, draw, walk

T0 = 1_672_531_200 * 10**9  # 2023-01-01


def funding(stamps: np.ndarray, rates: np.ndarray, source: str) -> Recording:
    events = np.zeros(len(stamps), EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = stamps
    events["kind"], events["w0"] = Kind.FUNDING, np.rint(rates * 1e9).astype(np.int64)
    return Recording((Instrument("BTC"),), lambda: iter([events]), source)


def hours(seed: int = 5, rows: int = 2000, source: str = "a") -> Recording:
    events = np.zeros(rows, EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = T0 + np.arange(1, rows + 1) * HOUR
    events["kind"] = Kind.BAR
    prices = np.rint(walk(rows, 0.005, seed) * 100).astype(np.int64)
    for word in ("w0", "w1", "w2", "w3"):
        events[word] = prices
    events["w4"] = draw(seed).integers(100, 1000, rows)
    return Recording((Instrument("BTC"),), lambda: iter([events]), source)


def changed(recording: Recording, source: str = "b", **words: object) -> Recording:
    events = recording.events().copy()
    for word, change in words.items():
        events[word] = change(events[word])  # type: ignore[operator]
    return Recording(recording.instruments, lambda: iter([events]), source)


def said(found: Examination) -> list[tuple[str, str]]:
    return [(finding.severity, finding.sentence) for finding in found.findings]


def test_the_same_feed_twice_gives_nothing() -> None:
    found = compare(hours(), changed(hours()))
    assert said(found) == [] and found.score == 100


@pytest.mark.parametrize(("shift", "words"), [(3, "b is 3 h ahead of a on all rows"), (-5, "b is 5 h behind a on all rows")])
def test_a_shift_of_all_rows(shift: int, words: str) -> None:
    found = compare(hours(), changed(hours(), ts_local_ns=lambda stamps: stamps + shift * HOUR))
    assert said(found) == [("error", words)]


def test_londons_wall_time_and_three_hours_ahead() -> None:
    """The trap of two public funding files, made by hand: one in London's wall time, one at UTC+3."""
    rows = 1095
    stamps, rates = T0 + np.arange(rows) * 8 * HOUR, np.round(draw(8).normal(1e-4, 5e-5, rows), 8)
    summer = (stamps >= pd.Timestamp("2023-03-26T01:00Z").value) & (stamps < pd.Timestamp("2023-10-29T01:00Z").value)
    london = funding(stamps + summer * HOUR, rates, "london")
    ahead = funding(stamps + 3 * HOUR, rates, "moscow")
    why = "(the clock changes of Europe/London)"
    assert said(compare(london, ahead)) == [
        ("error", f"moscow is 3 h ahead of london from 2023-01-01 to 2023-03-26 {why}"),
        ("error", f"moscow is 2 h ahead of london from 2023-03-26 to 2023-10-29 {why}"),
        ("error", f"moscow is 3 h ahead of london from 2023-10-29 to 2023-12-31 {why}"),
    ]


def test_units_holes_prices_and_volumes() -> None:
    other = changed(hours(), w3=lambda ticks: ticks * 100, w4=lambda lots: np.where(np.arange(len(lots)) == 7, lots * 2, lots))
    assert ("error", "prices of b are 100 times those of a") in said(compare(hours(), other))
    events = hours().events()
    thin = Recording(hours().instruments, lambda: iter([np.delete(events, [50, 51])]), "b")
    [(severity, sentence)] = said(compare(hours(), thin))
    assert (severity, sentence) == ("warning", "b lacks 2 of 2,000 rows, the first at 2023-01-03 03:00:00Z")
    off = changed(hours(), w3=lambda ticks: np.where(np.arange(len(ticks)) == 9, ticks * 11 // 10, ticks))
    [(severity, sentence)] = said(compare(hours(), off))
    assert severity == "warning" and "differ by more than 1 % on 1 of 2,000 rows, by +9.99 % at 2023-01-01 10:00:00Z" in sentence


def test_strangers_are_told() -> None:
    found = compare(hours(5), replace(hours(77), source="b"))
    assert any("agree on" in sentence and "is this the same instrument?" in sentence for _, sentence in said(found))


def test_a_feed_of_another_venue_is_shifted_by_its_changes() -> None:
    """Prices of another venue lie half a percent away and never agree; their moves do."""
    noisy = changed(hours(), w3=lambda ticks: ticks * 1005 // 1000, ts_local_ns=lambda stamps: stamps + 2 * HOUR)
    assert ("error", "b is 2 h ahead of a on all rows") in said(compare(hours(), noisy))


def test_what_cannot_be_compared_is_refused() -> None:
    two = Recording((Instrument("A"), Instrument("B")), hours().parts, "two")
    with pytest.raises(DataError, match="two: which instrument is to be compared"):
        compare(two, hours())
    with pytest.raises(DataError, match="a has BAR, f has FUNDING; rule: BAR, FUNDING"):
        compare(hours(), funding(np.arange(50) * DAY, np.zeros(50), "f"))
    with pytest.raises(DataError, match="a: 5 rows of BAR; rule: at least 20"):
        compare(hours(rows=5), hours())


def test_ticks_are_compared_by_the_minute() -> None:
    events = np.zeros(4000, EVENT)
    events["ts_local_ns"] = T0 + np.arange(4000) * 15 * 10**9
    events["kind"], events["w0"] = Kind.QUOTE, np.rint(walk(4000, 0.0005, 3) * 100)
    events["w1"] = events["w0"] + 2
    a = Recording((Instrument("BTC"),), lambda: iter([events]), "a")
    assert said(compare(a, changed(a, ts_local_ns=lambda stamps: stamps + HOUR // 2))) == [("error", "b is 0.5 h ahead of a on all rows")]


def real_funding(folder: Path, name: str) -> Recording:
    columns = {"Date": "ts", "Funding Rate": "rate", "Symbol": ""}
    made = table.read(folder / name, "funding", columns, symbol="BTC-USDT", time_zone="UTC")
    return replace(made, source="fetcher")


def test_the_zones_of_real_funding_files_are_caught(shared: Path) -> None:
    everything = pd.read_csv(shared / "03_crypto/optimising-funding-rate-arbitrage/all_exchanges.csv.gz")
    folder = shared / "03_crypto/historical-funding-rates-fetcher/BTC-USDT"
    mine = everything[(everything["exchange"] == "binance") & (everything["pair"] == "BTCUSDT") & everything["funding rate"].notna()]
    frame = pd.DataFrame({"ts": pd.to_datetime(mine["time"]), "rate": mine["funding rate"].round(9)}).sort_values("ts")
    arbitrage = replace(table.read(frame, "funding", symbol="BTC-USDT", time_zone="UTC"), source="arbitrage")
    fetched = real_funding(folder, "BTC-USDT_binance_2020-01-01_2024-01-01_funding_history.csv")
    why = "(the clock changes of Europe/London)"
    assert [sentence for _, sentence in said(compare(fetched, arbitrage))] == [
        f"arbitrage is 3 h behind fetcher from 2023-01-01 to 2023-03-26 {why}",
        f"arbitrage is 2 h behind fetcher from 2023-03-26 to 2023-10-29 {why}",
        f"arbitrage is 3 h behind fetcher from 2023-10-29 to 2023-12-31 {why}",
    ]
