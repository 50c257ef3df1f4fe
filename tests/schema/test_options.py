"""Options and listings: what an instrument says of itself, and that an option's data are read and its orders refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.data.readers import read_bars
from framework.data.reference import Reference
from framework.data.reference.rows import ContractRow, InstrumentRow, TickRow
from framework.data.store.manifest import instrument_of, terms_of
from framework.data.tape import build
from framework.errors import InputError
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.units import Step

EXPIRY_NS = 1_705_698_000_000_000_000  # 2024-01-19 21:00 UTC
DAYS = pd.date_range("2024-01-02", periods=3, freq="D", tz="UTC")
BARS = pd.DataFrame({"open": 5.0, "high": 6.0, "low": 4.0, "close": 5.0, "volume": 100.0}, index=DAYS)


def option(**changes: Any) -> Instrument:
    terms: dict[str, Any] = {"kind": InstrumentKind.OPTION, "strike": 150.0, "right": "C", "expiry_ns": EXPIRY_NS, "multiplier": 100.0}
    return Instrument("AAPL 240119C150", **{**terms, **changes})


class Buys(Strategy):
    def on_start(self, view: Any) -> None:
        self.seen: list[float] = []

    def on_bar(self, view: Any, bar: Any) -> None:
        self.seen.append(bar.close)
        view.buy(bar.instrument, 1)


def test_an_option_is_read_and_not_traded() -> None:
    strategy, tape = Buys(), build({option().symbol: BARS}, {option().symbol: option()})
    result = backtest(strategy, tape)
    assert strategy.seen == [5.0, 5.0, 5.0] and len(result.fills) == 0
    assert result.refused["reason"].tolist() == ["OPTIONS_NOT_TRADED"] * 3
    with pytest.raises(InputError, match="of kind OPTION; rule: what is held or ordered can be traded"):
        backtest(Buys(), tape, opening={"positions": {option().symbol: (1, 5.0)}})


@pytest.mark.parametrize(
    "changes", [{"strike": 0.0}, {"strike": float("nan")}, {"right": ""}, {"right": "call"}, {"expiry_ns": 0}, {"expiry_ns": 2**63 - 1}]
)
def test_an_option_has_its_terms(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"rule: an OPTION has a strike above 0 .* 'C' to buy or 'P' to sell"):
        option(**changes)


def test_nothing_else_has_them() -> None:
    with pytest.raises(InputError, match="terms of an OPTION, and it is of kind EQUITY"):
        Instrument("A", strike=1.0)


def test_new_terms_at_their_defaults_leave_digests_and_manifests_as_they_were() -> None:
    plain = build({"A": BARS}, {"A": Instrument("A")})
    assert plain.digest() == "6afcdba1a2bb4a0e0d161ae705ff28813404506d789736ddf38298291117d930"  # of the code before these terms
    assert set(terms_of(Instrument("A"))) & {"account", "product", "strike", "right", "expiry_ns"} == set()
    found = {plain.digest()}
    for changes in ({"account": "one"}, {"product": "one"}, {"account": "one", "product": "one"}):
        found.add(build({"A": BARS}, {"A": replace(Instrument("A"), **changes)}).digest())
    for term in (option(), option(right="P"), option(strike=151.0), option(expiry_ns=EXPIRY_NS + 1)):
        found.add(build({term.symbol: BARS}, {term.symbol: term}).digest())
    assert len(found) == 8


@pytest.mark.parametrize("instrument", [option(), Instrument("A", account="main", product="BTC"), Instrument("A")])
def test_a_manifest_keeps_what_an_instrument_is(instrument: Instrument) -> None:
    assert instrument_of(terms_of(instrument), "here") == instrument


def test_frames_are_described_with_the_new_terms() -> None:
    tape = read_bars({"A": BARS}, instrument_specs={"A": {"account": "main", "product": "BTC"}})
    assert (tape.instruments[0].account, tape.instruments[0].product) == ("main", "BTC")


def test_reference_tables_say_what_an_option_is(tmp_path: Path) -> None:
    rows = (
        InstrumentRow("AAPL", "USA", "cents", product="AAPL"),
        InstrumentRow("AAPL 240119C150", "USA", "cents", multiplier=100.0, kind=InstrumentKind.OPTION),
    )
    contract = ContractRow("AAPL 240119C150", "AAPL", EXPIRY_NS, "C", style="american", strike=150)  # type: ignore[arg-type]
    reference = Reference(instruments=rows, ticks=(TickRow("cents", Step(1, 100)),), contracts=(contract,))
    reference.save(tmp_path)
    again = Reference.load(tmp_path)
    found = again.instrument("AAPL 240119C150", dt.date(2024, 1, 2))
    assert (found.kind, found.strike, found.right, found.expiry_ns) == (InstrumentKind.OPTION, 150.0, "C", EXPIRY_NS)
    assert again.instrument("AAPL", dt.date(2024, 1, 2)).product == "AAPL"
