"""Reference data as of a moment: what was true then, what a file may say, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.data.reference import Reference
from framework.data.reference.rows import (
    ActionRow,
    AnyRow,
    ContractRow,
    InstrumentRow,
    MemberRow,
    SymbolRow,
    TickRow,
    instant_ns,
)
from framework.data.tape import build
from framework.errors import DataError
from framework.schema.event import Kind
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.units import Step


def ns(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").as_unit("ns").value)


FACEBOOK = Reference(
    (
        InstrumentRow("META", "XNAS", "usa", calendar="XNYS", from_ns=ns("2012-05-18"), to_ns=ns("2030-01-01")),
        InstrumentRow("DEC", "XCME", "es", multiplier=50.0, to_ns=ns("2013-12-20 14:30")),
        InstrumentRow("CALL", "XCBO", "usa", multiplier=100.0),
        InstrumentRow("EURUSD", "FX", "pips", Step(1000, 1), kind=InstrumentKind.FX, base_currency="EUR", to_ns=ns("2020-01-01")),
        InstrumentRow("EURUSD", "FX", "pips", Step(1, 1), kind=InstrumentKind.FX, base_currency="EUR", from_ns=ns("2020-01-01")),
    ),
    (
        SymbolRow("META", "XNAS", "FB", ns("2012-05-18"), ns("2022-06-09 04:00")),
        SymbolRow("META", "XNAS", "META", ns("2022-06-09 04:00")),
        SymbolRow("META", "vendor", "FB.O"),
        SymbolRow("DEC", "XCME", "ESZ3", ns("2013-01-01"), ns("2014-01-01")),
        SymbolRow("CALL", "XCME", "ESZ3", ns("2023-01-01"), ns("2024-01-01")),  # a symbol that is used again
    ),
    (
        TickRow("usa", Step(1, 16), to_ns=ns("2001-04-09")),
        TickRow("usa", Step(1, 10_000), from_ns=ns("2001-04-09")),
        TickRow("usa", Step(1, 100), Fraction(1), ns("2001-04-09")),
        TickRow("es", Step(1, 4)),
        TickRow("pips", Step(1, 3)),
    ),
    (
        ContractRow("DEC", "ES", ns("2013-12-20 14:30"), settlement="cash"),
        ContractRow("CALL", "META", ns("2023-01-20 21:00"), "C", Fraction("57.5"), "american", "physical"),
    ),
    (
        MemberRow("SPX", "META", ns("2013-12-23"), ns("2020-01-01"), ns("2013-12-11")),
        MemberRow("SPX", "META", ns("2021-01-01"), ns("2022-01-01"), ns("2021-03-01")),  # told late
        MemberRow("SPX", "CALL", ns("2019-12-31")),
    ),
    (
        ActionRow("META", ns("2014-01-02 14:30"), "dividend", "0.5"),
        ActionRow("META", ns("2014-01-03 14:30"), "spin_off", "3.25", "CALL"),
    ),
)


def test_names_through_a_rename_and_a_symbol_used_again() -> None:
    before, at = "2022-06-09T03:59:59Z", "2022-06-09T04:00Z"
    assert FACEBOOK.symbol_of("META", "XNAS", before) == "FB"
    assert FACEBOOK.symbol_of("META", "XNAS", at) == "META"  # half-open: the row that ends here is over
    assert FACEBOOK.resolve("FB", "XNAS", before) == FACEBOOK.resolve("META", "XNAS", at) == "META"
    assert FACEBOOK.symbol_of("META", "vendor", "1999-01-01") == "FB.O"
    assert (FACEBOOK.resolve("ESZ3", "XCME", "2013-06-01"), FACEBOOK.resolve("ESZ3", "XCME", "2023-06-01")) == ("DEC", "CALL")
    for ask, message in (
        (
            lambda: FACEBOOK.resolve("FB", "XNAS", at),
            "not used at 2022-06-09T04:00:00Z; the nearest .* from 2012-05-18 up to 2022-06-09",
        ),
        (lambda: FACEBOOK.resolve("ESZ3", "XCME", "2015-01-01"), "nearest it is used: from 2013-01-01 up to 2014-01-01"),
        (lambda: FACEBOOK.resolve("FBB", "XNAS", at), "never had a symbol 'FBB'. Did you mean FB"),
        (lambda: FACEBOOK.resolve("FB", "XNSA", at), "venue 'XNSA' has no symbols. Did you mean XNAS"),
        (lambda: FACEBOOK.symbol_of("META", "XCME", at), "META: XCME has no name for it"),
        (lambda: FACEBOOK.symbol_of("MTA", "XNAS", at), "no instrument 'MTA'. Did you mean META"),
    ):
        with pytest.raises(DataError, match=message):
            ask()


def test_instruments_as_of_a_moment() -> None:
    assert FACEBOOK.instrument("DEC", "2013-12-01") == Instrument("DEC", Step(1, 4), multiplier=50.0, venue="XCME")
    assert FACEBOOK.instrument("EURUSD", "2019-12-31").lot == Step(1000, 1)
    assert FACEBOOK.instrument("EURUSD", "2020-01-01").lot == Step(1, 1)
    with pytest.raises(DataError, match="'META' is not listed at 2012-05-17; the nearest it is listed: from 2012-05-18 up to 2030-01-01"):
        FACEBOOK.instrument("META", "2012-05-17")
    with pytest.raises(DataError, match="'META' is not listed at 2030-01-01"):
        FACEBOOK.instrument("META", "2030-01-01")


def test_ticks_by_price_and_time() -> None:
    assert FACEBOOK.tick_at("META", "2013-01-02", 0.9999) == Step(1, 10_000)
    assert FACEBOOK.tick_at("META", "2013-01-02", 1) == Step(1, 100)
    assert FACEBOOK.tick_at("CALL", "2001-04-08", 50) == Step(1, 16)
    assert FACEBOOK.instrument("CALL", "2001-04-08").tick == Step(1, 16)
    assert FACEBOOK.instrument("CALL", "2001-04-09").tick == Step(1, 10_000)  # all bands lie on it
    bands = TickRow("usa", Step(3, 100), Fraction(1)), TickRow("usa", Step(1, 50), Fraction(9))
    mixed = replace(FACEBOOK, ticks=(*FACEBOOK.ticks[3:], *bands))
    assert mixed.instrument("META", "2013-01-02").tick == Step(1, 100)  # of 3/100 and 2/100
    with pytest.raises(DataError, match="a price of 0.5 at 2013-01-02 is below every band; the first begins at 1"):
        mixed.tick_at("META", "2013-01-02", 0.5)


def test_a_universe_is_what_was_known_then() -> None:
    assert FACEBOOK.universe("SPX", "2019-12-31") == ("CALL", "META")
    assert FACEBOOK.universe("SPX", "2020-01-01") == ("CALL",)  # out on this day
    assert FACEBOOK.universe("SPX", "2021-02-28") == ("CALL",)  # in since January, told in March
    assert FACEBOOK.universe("SPX", "2021-03-01") == ("CALL", "META")
    with pytest.raises(DataError, match="'SPX' is not known at 2013-12-22; the nearest it is known: from 2013-12-23 up to 2020-01-01"):
        FACEBOOK.universe("SPX", "2013-12-22")
    with pytest.raises(DataError, match="no universe 'SPXX'. Did you mean SPX"):
        FACEBOOK.universe("SPXX", "2019-12-31")


def test_contracts() -> None:
    assert FACEBOOK.expiry("DEC") == ns("2013-12-20 14:30")
    assert FACEBOOK.contract("CALL").strike == Fraction(115, 2)
    assert [row.id for row in FACEBOOK.contracts_of("ES")] == ["DEC"]
    with pytest.raises(DataError, match="META is no contract"):
        FACEBOOK.expiry("META")
    with pytest.raises(DataError, match="no contracts on 'EZ'. Did you mean ES"):
        FACEBOOK.contracts_of("EZ")


def test_actions_reach_the_tape() -> None:
    table = FACEBOOK.action_table(["META"])
    assert table["kind"].tolist() == ["dividend", "spin_off", "rename"]
    index = pd.date_range("2014-01-02 21:00", periods=2, freq="D", tz="UTC")
    bars = pd.DataFrame({"open": 50.0, "high": 50.0, "low": 50.0, "close": 50.0, "volume": 1.0}, index=index)
    tape = build({"META": bars}, {"META": FACEBOOK.instrument("META", "2014-01-02")}, actions=table)
    paid = tape.events[tape.events["kind"] == Kind.DIVIDEND]
    assert [(int(row["ts_local_ns"]), int(row["w0"])) for row in paid] == [
        (ns("2014-01-02 14:30"), 500_000_000),
        (ns("2014-01-03 14:30"), 3_250_000_000),
    ]
    assert [note for note in tape.notes if note.startswith("META")] == [
        "META: the spin-off of CALL of 2014-01-03 is paid in cash, 3.25 a share; no shares are delivered.",
        "META: called META from 2022-06-09 04:00 UTC on; here it keeps one name.",
    ]
    with pytest.raises(DataError, match="rule: the new name, as text"):
        build({"META": bars}, {"META": Instrument("META")}, actions=table.assign(value=[1, 1, 1]))


def test_a_folder_gives_back_what_was_saved(tmp_path: Path) -> None:
    FACEBOOK.save(tmp_path / "a")
    loaded = Reference.load(tmp_path / "a")
    for table in ("instruments", "symbols", "ticks", "contracts", "members", "actions"):
        assert sorted(map(repr, getattr(loaded, table))) == sorted(map(repr, getattr(FACEBOOK, table)))
    loaded.save(tmp_path / "b")
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["actions.csv", "contracts.csv", "instruments.csv", "members.csv", "symbols.csv", "ticks.csv"]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "symbols.csv").read_text().splitlines()[:3] == [
        "id,venue,symbol,from,to",
        "CALL,XCME,ESZ3,2023-01-01,2024-01-01",
        "DEC,XCME,ESZ3,2013-01-01,2014-01-01",
    ]
    assert "pips,1/3,0,," in (tmp_path / "a" / "ticks.csv").read_text()  # no decimal is a third
    replace(FACEBOOK, actions=()).save(tmp_path / "a")
    assert not (tmp_path / "a" / "actions.csv").exists()


def test_order_of_rows_and_joining_change_nothing() -> None:
    backwards = Reference(*(tuple(reversed(rows)) for rows in FACEBOOK.__dict__.copy().values() if isinstance(rows, tuple)))
    assert backwards.universe("SPX", "2019-12-31") == FACEBOOK.universe("SPX", "2019-12-31")
    assert FACEBOOK.joined(backwards) == FACEBOOK


@pytest.mark.parametrize(
    ("table", "row", "message"),
    [
        (
            "symbols",
            SymbolRow("MTEA", "XNAS", "X"),
            "MTEA at XNAS: no instrument 'MTEA' in instruments.csv. Did you mean META",
        ),
        ("symbols", SymbolRow("META", "XNAS", "X", ns("2022-01-01")), "overlaps the row .*one symbol a venue at a time"),
        ("symbols", SymbolRow("DEC", "vendor", "FB.O"), "a symbol of a venue means one instrument at a time"),
        ("symbols", SymbolRow("DEC", "v", "X", ns("2022-01-02"), ns("2022-01-01")), "from 2022-01-02 up to 2022-01-01; rule: from < to"),
        ("instruments", InstrumentRow("DEC", "XCME", "es", from_ns=ns("2013-12-20 14:29")), "one definition at a time"),
        ("instruments", InstrumentRow("NEW", "XCME", "ess"), "no tick schedule 'ess'. Did you mean es"),
        ("instruments", InstrumentRow("NEW", "XCME", "es", multiplier=0.0), "multiplier 0.0; rule: > 0"),
        ("ticks", TickRow("usa", Step(1, 8), from_ns=ns("2000-01-01"), to_ns=ns("2001-01-01")), "a band of prices has one tick at a time"),
        ("ticks", TickRow("usa", Step(1, 8), Fraction(-1)), "price_from -1; rule: >= 0"),
        ("contracts", ContractRow("DEC", "ES", 1), "the contract comes twice"),
        ("contracts", ContractRow("META", "ES", 1, "X"), 'rule: "C", "P", or empty'),
        ("contracts", ContractRow("META", "ES", 1, "C", Fraction(0), "american"), "an option has a strike > 0 and a style"),
        ("contracts", ContractRow("META", "ES", 1, "", Fraction(0), "american"), "a future has none of the three"),
        ("contracts", ContractRow("META", "ES", 1, settlement="csh"), "settlement 'csh'. Did you mean cash"),
        ("members", MemberRow("SPX", "META", ns("2019-01-01"), ns("2019-06-01")), "members.csv, SPX META: .*in a universe once at a time"),
        ("actions", ActionRow("META", 1, "splt", "2:1"), "kind 'splt' is unknown. Did you mean split"),
    ],
)
def test_rows_that_break_a_rule(table: str, row: AnyRow, message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(FACEBOOK, **{table: (*getattr(FACEBOOK, table), row)})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("symbols.csv", "id,venue,symbl\n", r"symbols.csv, column 'symbl': unknown. Did you mean symbol"),
        ("symbols.csv", "id,venue\n", r"symbols.csv: column 'symbol' is missing"),
        ("symbols.csv", "id,venue,symbol\nA,B\n", r"symbols.csv, line 2: rule: as many fields as the header"),
        ("symbols.csv", "id,venue,symbol\nA,B,C,D\n", r"symbols.csv, line 2: rule: as many fields as the header"),
        ("symbols.csv", "id,venue,symbol\nA,,C\n", r"symbols.csv, line 2, column venue: empty"),
        ("symbols.csv", "id,venue,symbol,from\nA,B,C,3/4/2020\n", r"line 2, column from: '3/4/2020' cannot be read"),
        ("symbols.csv", "id,venue,symbol,from\nA,B,C,2020-01-01 10:00\n", r"has a time but no zone"),
        ("ticks.csv", "schedule,tick\nusa,0\n", r"ticks.csv, line 2, column tick: '0' cannot be read: a step must be positive"),
        ("instruments.csv", "id,venue,ticks,kind\nA,B,C,equty\n", r"column kind: 'equty' cannot be read: Did you mean EQUITY"),
        ("symbol.csv", "id\n", r"symbol.csv: not a table of reference data. Did you mean symbols.csv"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        Reference.load(tmp_path)


def test_moments() -> None:
    assert instant_ns("2014-04-03") == instant_ns(pd.Timestamp("2014-04-02 20:00", tz="America/New_York")) == ns("2014-04-03")
    assert instant_ns(17) == instant_ns(np.int64(17)) == 17  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no reference data"):
        Reference.load("nowhere")
