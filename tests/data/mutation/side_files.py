"""Small good files of what stands beside market data: Lean's databases, factors, maps and lists, reference data, hours of a week."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from framework.data.formats import lean_actions, lean_funding, lean_hours, lean_tables
from framework.data.formats.lean_reference import Given
from framework.data.formats.lean_reference import Reference as Databases
from framework.data.reference import Reference
from framework.data.reference.hours import WeeklyHours
from framework.schema.instrument import Instrument
from tests.data.formats.lean_tree import HOURS, PROPERTIES
from tests.data.mutation.small_files import Specimen, lines, rows_of

REFERENCE = {
    "instruments.csv": lines(
        "id,venue,ticks,lot,multiplier,currency,kind,from,to",
        "META,XNAS,usa,1,1,USD,equity,2012-05-18,",
        "ES,XCME,es,1,50,USD,future,,2013-12-20T14:30Z",
    ),
    "symbols.csv": lines("id,venue,symbol,from,to", "META,XNAS,FB,2012-05-18,2022-06-09", "META,XNAS,META,2022-06-09,"),
    "ticks.csv": lines("schedule,tick,price_from,from,to", "usa,0.0001,0,,", "usa,0.01,1,,", "es,1/4,0,,"),
    "contracts.csv": lines("id,underlying,expiry,right,strike,style,settlement", "ES,ES,2013-12-20T14:30Z,,0,,cash"),
    "members.csv": lines("universe,id,from,to,known", "big,META,2013-12-23,,2013-12-11"),
    "actions.csv": lines("id,ts,kind,value,child", "META,2014-01-02T05:00Z,dividend,0.5,"),
}
PROPERTIES_FILE, HOURS_FILE = "symbol-properties/symbol-properties-database.csv", "market-hours/market-hours-database.json"
DATABASES = {PROPERTIES_FILE: PROPERTIES.encode(), HOURS_FILE: HOURS.encode()}
OPEN_HOURS = {"exchangeTimeZone": "America/New_York", "monday": [{"start": "09:30:00", "end": "16:00:00", "state": "market"}]}
ENTRY = {**OPEN_HOURS, "holidays": ["1/1/2024"], "earlyCloses": {"7/3/2024": "13:00:00"}}
LEAN_HOURS = json.dumps({"entries": {"Equity-usa-[*]": ENTRY}})
WEEK = b'time_zone: America/New_York\nhours:\n  monday: ["18:00-17:00"]\n  tuesday: ["09:30-16:00"]\nholidays: ["2024-12-25"]\n'
SID = "AAPL R735QTJ8XC9X"
ROLLS = [
    {
        "Date": f"2013-{month:02d}-20T00:00:00",
        "DataMappingMode": 0,
        "BackwardsRatioScale": [1 + month / 100],
        "BackwardsPanamaCanalScale": [month],
    }
    for month in (3, 6, 9)
]


def as_csv(data: bytes) -> Any:
    text = data.decode("utf-8", "replace")
    return [row for row in csv.reader(io.StringIO(text, newline="")) if row]


def as_json(data: bytes) -> Any:
    return json.loads(data)


def _factors(path: Path) -> Any:
    return lean_actions.read_factors(path), lean_actions.actions(path).to_dict("list")


def _mapped(path: Path) -> Any:
    return lean_tables.map_rows(path), lean_tables.mapped(path, 0, "24/7")


def _lean_instrument(path: Path) -> Any:
    """What the databases tell of a future and of the zone of an exchange."""
    known = Databases.load(path.parents[1])
    return (
        known.instrument("ES 2013-12", ("future", "cme", "minute"), "ES", Given(), 0),
        known.time_zone("equity", "usa", "ACME", Given()),
        known,
    )


def _universe(path: Path) -> Any:
    known = lean_tables.Reference()
    return lean_tables.universe(path.parent, "big", known, databases=path.parents[1])


def specimens() -> dict[str, Specimen]:
    """By name."""
    made = {
        "lean_properties": Specimen(
            f"Data/{PROPERTIES_FILE}", PROPERTIES.encode(), _lean_instrument, shown=as_csv, beside={f"Data/{HOURS_FILE}": HOURS.encode()}
        ),
        "lean_zones": Specimen(
            f"Data/{HOURS_FILE}", HOURS.encode(), _lean_instrument, shown=as_json, beside={f"Data/{PROPERTIES_FILE}": PROPERTIES.encode()}
        ),
        "lean_factors": Specimen(
            "acme.csv",
            lines("20120808,0.9304792,0.142857,570.0", "20140606,0.9784450,0.142857,645.57", "20501231,1,1,0"),
            _factors,
            shown=bytes.splitlines,
        ),
        "lean_map": Specimen(
            "goog.csv",
            lines("20040819,goog,Q", "20140402,goog,Q", "20501231,googl,Q"),
            lambda p: lean_actions.read_map(p).astype(str).to_dict("list"),
            shown=as_csv,
        ),
        "lean_funding": Specimen(
            "acme.csv",
            lines("20240101 00:00:00,0.0001", "20240101 08:00:00,-0.00005"),
            lambda p: rows_of(lean_funding.read(p, Instrument("ACME"))),
            shown=bytes.split,
        ),
        "lean_hours": Specimen("hours.json", LEAN_HOURS.encode(), lambda p: repr(lean_hours.read(p, "Equity-usa-[*]")), shown=as_json),
        "lean_hours_gz": Specimen(
            "hours.json.gz", LEAN_HOURS.encode(), lambda p: repr(lean_hours.read(p, "Equity-usa-[*]")), shown=as_json, pack="gz"
        ),
        "lean_rolls": Specimen("es.csv", lines(*map(json.dumps, ROLLS)), lambda p: lean_tables.roll_gaps(p, 0).to_csv(), shown=bytes.split),
        "lean_future_map": Specimen(
            "future/cme/map_files/es.csv",
            lines("ES", "20130621,ES VDBC2TZK5SXT,CME,0", "20130920,ES VFY5W2B0ZOXT,CME,0", "20131220,ES VIKDEUXK4W3L,CME,0"),
            _mapped,
            shown=as_csv,
        ),
        "lean_universe": Specimen(
            "lists/20140605.csv.gz",
            lines(f"{SID},AAPL,645.57,1,1,True", "GOOG T1AZ164W5VTX,GOOG,10,1,1,True"),
            _universe,
            shown=as_csv,
            pack="gz",
            beside=DATABASES,
        ),
        "lean_chain": Specimen(
            "es/20131202.csv",
            lines("#expiry,open,high,low,close,volume,open_interest", "201312,1,2,1,2,10,20", "201403,1,2,1,2,,"),
            lambda p: repr(lean_tables.chain_activity(p.parent)),
            shown=as_csv,
        ),
        "week": Specimen("week.yaml", WEEK, lambda p: repr(WeeklyHours.load(p)), shown=bytes.split),
    }
    for name, content in REFERENCE.items():
        others = {other: text for other, text in REFERENCE.items() if other != name}
        made[f"reference_{name[:-4]}"] = Specimen(name, content, lambda p: Reference.load(p.parent), shown=as_csv, beside=others)
    return made
