"""Events to bytes, to Parquet, to a table to read, and the audit file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from framework import backtest
from framework.engine import audit
from framework.errors import DataError
from framework.reports.result import Result
from framework.schema.codec import from_bytes, from_parquet, to_bytes, to_frame, to_parquet
from framework.schema.event import EVENT, NO_INSTRUMENT, CostKind, Kind
from framework.schema.order import ORDER, OrderState, Reason
from strategies.crossover import Crossover


def test_an_event_is_one_cache_line() -> None:
    assert EVENT.itemsize == 64
    assert [EVENT.fields[name][1] for name in EVENT.names] == [0, 8, 16, 18, 20, 24, 32, 40, 48, 56]
    assert ORDER.itemsize % 8 == 0


def test_numbers_of_the_file_format_stay() -> None:
    assert (Kind.BAR, Kind.QUOTE, Kind.SPLIT, Kind.SESSION, Kind.TIMER, Kind.ORDER_SUBMIT, Kind.ORDER_FILLED) == (1, 2, 7, 9, 20, 32, 43)
    assert (Kind.CHARGE, Kind.TAPE, Reason.USER, Reason.END_OF_DATA) == (50, 60, 30, 41)
    assert (OrderState.FILLED, OrderState.REFUSED, CostKind.FEE) == (8, 12, 0)
    assert len({int(kind) for kind in Kind}) == len(Kind)


words = st.integers(-(2**63), 2**63 - 1)
rows = st.tuples(words, words, st.sampled_from(list(Kind)), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), *[words] * 5)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(rows, max_size=20))
def test_bytes_and_back(made: list[tuple[int, ...]]) -> None:
    events = np.array(made, dtype=EVENT)
    data = to_bytes(events)
    assert len(data) == 64 * len(made)
    assert from_bytes(data).tolist() == events.tolist()


def test_bytes_are_little_endian_in_the_order_of_the_fields() -> None:
    event = np.zeros(1, dtype=EVENT)
    event["ts_local_ns"], event["kind"], event["w4"] = 1, 43, -1
    data = to_bytes(event)
    assert data[:8] == b"\x01" + bytes(7)
    assert data[16:18] == b"\x2b\x00"
    assert data[56:] == b"\xff" * 8


def test_a_cut_record_is_refused() -> None:
    with pytest.raises(DataError, match="100 bytes are not a whole number of 64-byte events: the last 36 are cut"):
        from_bytes(bytes(100))


def extreme() -> NDArray[np.void]:
    top = 2**63 - 1
    return np.array([(top, -top, 1, 65_535, NO_INSTRUMENT, top, -top - 1, 2**53 + 1, 0, -1), (0, 0, 60, 0, 0, 1, 2, 3, 4, 5)], dtype=EVENT)


def test_parquet_and_back(tmp_path: Path) -> None:
    events = extreme()
    path = to_parquet(events, tmp_path / "events.parquet")
    assert from_parquet(path).tobytes() == events.tobytes()
    assert from_parquet(to_parquet(events[:0], tmp_path / "none.parquet")).tobytes() == b""


def test_a_parquet_file_of_something_else_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"ts_local_ns": [1], "price": [2.0]}), tmp_path / "other.parquet")
    with pytest.raises(DataError, match="columns ts_local_ns, price; an event file has ts_local_ns, ts_venue_ns"):
        from_parquet(tmp_path / "other.parquet")


def test_a_table_to_read() -> None:
    event = np.zeros(2, dtype=EVENT)
    event["ts_local_ns"] = 1_577_836_800_000_000_000
    event["kind"] = [Kind.ORDER_REFUSED, Kind.ORDER_FILLED]
    event["instrument"] = [NO_INSTRUMENT, 2]
    event["w1"] = [int(Reason.INSUFFICIENT_CASH), 9912]
    event["w2"] = [np.float64(1234.5).view(np.int64), 7]
    event["w3"] = np.array([1000.25, 0.5]).view(np.int64)
    table = to_frame(event)
    assert table["ts_local"].tolist() == [pd.Timestamp("2020-01-01", tz="UTC")] * 2
    assert table["kind"].tolist() == ["ORDER_REFUSED", "ORDER_FILLED"]
    assert table["instrument"].tolist() == [-1, 2]
    assert table["reason"].tolist() == ["INSUFFICIENT_CASH", ""]
    assert table[["w1", "w2", "w3"]].to_numpy().tolist() == [[8.0, 1234.5, 1000.25], [9912.0, 7.0, 0.5]]


@pytest.fixture(scope="module")
def result() -> Result:
    stamps = pd.date_range("2020-01-01", periods=80, freq="D", tz="UTC")
    close = np.round(100 + 10 * np.sin(np.arange(80) / 5), 2)
    bars = pd.DataFrame({"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 1e4}, index=stamps)
    return backtest(Crossover(fast=3, slow=8), bars, costs={"fee_bps": 1.0})


def test_an_audit_is_read_as_it_was_saved(result: Result, tmp_path: Path) -> None:
    path = result.audit.save(tmp_path / "run.audit")
    header, records = audit.read(path)
    assert records.tobytes() == result.audit.records.tobytes()
    assert header == result.audit.header
    assert header["parameters"] == {"fast": 3, "slow": 8, "weight": 0.0}
    assert path.read_bytes()[-32:].hex() == result.audit_hash
    result.audit.to_parquet(tmp_path / "run.parquet")
    readable = pd.read_parquet(tmp_path / "run.parquet")
    assert (readable["kind"] == "ORDER_FILLED").sum() == len(result.fills)


def test_a_changed_byte_is_found_wherever_it_is(result: Result, tmp_path: Path) -> None:
    data = result.audit.save(tmp_path / "run.audit").read_bytes()
    for place in (20, len(data) // 2, len(data) - 40, len(data) - 1):
        changed = bytearray(data)
        changed[place] ^= 1
        (tmp_path / "changed.audit").write_bytes(changed)
        with pytest.raises(DataError, match="it was changed after the run"):
            audit.read(tmp_path / "changed.audit")


@pytest.mark.parametrize("cut", [1, 40, 64])
def test_a_cut_audit_is_refused(result: Result, tmp_path: Path, cut: int) -> None:
    data = result.audit.save(tmp_path / "run.audit").read_bytes()
    (tmp_path / "cut.audit").write_bytes(data[:-cut])
    with pytest.raises(DataError, match="cut short" if cut % 64 else "it was changed after the run"):
        audit.read(tmp_path / "cut.audit")


def test_what_is_no_audit_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"ONETAPE1", b"PK\x03\x04 something else", b"ONETAPE1" + (2**40).to_bytes(8, "little") + bytes(64)):
        (tmp_path / "x.audit").write_bytes(content)
        with pytest.raises(DataError, match="x.audit: (not an audit|cut short)"):
            audit.read(tmp_path / "x.audit")
