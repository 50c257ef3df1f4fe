"""Records beyond a limit lie in a file: nothing that is made of them may tell the difference."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from framework import Strategy, backtest
from framework.data.readers import read_bars
from framework.data.tape import Tape
from framework.engine import audit as audits
from framework.engine.audit import Audit
from framework.engine.audit_records import AuditRecords
from framework.errors import InputError
from framework.reports.result import Result
from framework.schema.event import EVENT, Kind
from framework.simulation.audited_run import replay

_ROW = EVENT.itemsize


def rows_of(first: int, count: int) -> NDArray[np.void]:
    """Records with consecutive numbers; every third is a fill, the others are timers."""
    rows = np.zeros(count, EVENT)
    rows["w0"] = np.arange(first, first + count)
    rows["kind"] = np.where(rows["w0"] % 3 == 0, Kind.ORDER_FILLED, Kind.TIMER)
    return rows


def filled(held_bytes: int, sizes: tuple[int, ...] = (5, 1, 7, 4, 2)) -> AuditRecords:
    """Records of 19 rows, taken in in parts."""
    records, first = AuditRecords(held_bytes), 0
    for size in sizes:
        records.add(rows_of(first, size))
        first += size
    return records


@pytest.mark.parametrize("rows_held", [0, 1, 6, 12, 18, 19, 100])
def test_every_limit_gives_the_same_rows_from_every_place(rows_held: int) -> None:
    expected = rows_of(0, 19)
    records = filled(rows_held * _ROW)
    assert len(records) == 19
    for start in range(20):
        numbers = [int(number) for rows in records.blocks(start) for number in rows["w0"]]
        assert numbers == list(range(start, 19))
    assert records.whole().tobytes() == expected.tobytes()
    records.add(rows_of(19, 3))
    assert records.whole().tobytes() == rows_of(0, 22).tobytes()
    assert b"".join(rows.tobytes() for rows in records.blocks()) == rows_of(0, 22).tobytes()


def test_no_more_than_the_limit_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of parts of 5, 1, 7, 4 and 2 rows a limit of 12 is passed at the third, so 13 rows lie in the file and 6 are held."""
    files: list[Any] = []
    made = tempfile.TemporaryFile

    def noted(**words: Any) -> Any:
        files.append(made(**words))
        return files[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", noted)
    filled(19 * _ROW)
    assert files == []
    records = filled(12 * _ROW)
    assert len(files) == 1
    files[0].seek(0)
    assert files[0].read() == rows_of(0, 13).tobytes()
    assert [rows["w0"].tolist() for rows in records.blocks(13)] == [[13, 14, 15, 16], [17, 18]]


def test_what_was_read_lasts_longer_than_its_records() -> None:
    kept = filled(0).whole()
    assert kept.tobytes() == rows_of(0, 19).tobytes()


def test_a_folder_that_takes_nothing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    records = AuditRecords(2 * _ROW)
    records.add(rows_of(0, 2))
    with pytest.raises(InputError, match=r"beyond 128 bytes, here 192 so far. Make room in .*gone, or name another folder in TMPDIR"):
        records.add(rows_of(2, 1))


def test_an_audit_does_not_depend_on_what_is_held(tmp_path: Path) -> None:
    parts = [rows_of(0, 4), rows_of(4, 8), rows_of(12, 3)]
    made = []
    for rows_held in (2, 6, 100):
        waiting = [rows.copy() for rows in parts]
        audit = Audit({"a": 1}, partial(waiting.pop, 0), held_bytes=rows_held * _ROW)
        digests = []
        for _ in parts:
            audit.collect()
            digests.append(audit.digest)
        place = audit.save(tmp_path / f"{rows_held}.bin")
        header, records = audits.read(place)
        assert header == {"a": 1}
        assert records.tobytes() == audit.records.tobytes() == rows_of(0, 15).tobytes()
        assert audit.of_kind(Kind.ORDER_FILLED)["w0"].tolist() == [0, 3, 6, 9, 12]
        assert audit.of_kind(Kind.ORDER_REFUSED)["w0"].tolist() == []
        assert [int(n) for rows in audit.since(11) for n in rows["w0"]] == [11, 12, 13, 14]
        made.append((digests, place.read_bytes(), audit.to_frame()))
    for digests, data, frame in made[1:]:
        assert digests == made[0][0]
        assert data == made[0][1]
        pd.testing.assert_frame_equal(frame, made[0][2])


class Restless(Strategy):
    """Is long on every second bar; asks for too much on every tenth."""

    def on_bar(self, view: Any, bar: Any) -> None:
        view.target_quantity(bar.instrument, 10 * (view.bar_count(bar.instrument) % 2))
        if view.bar_count(bar.instrument) % 10 == 0:
            view.buy(bar.instrument, 10_000_000)


def walk() -> Tape:
    """600 hours of one instrument."""
    index = pd.date_range("2024-01-01", periods=600, freq="h", tz="UTC")
    close = 100 + np.round(np.cumsum(np.random.default_rng(5).normal(0, 0.1, 600)), 2)
    bars = {"open": close, "high": close, "low": close, "close": close, "volume": 1e6}
    return read_bars({"A": pd.DataFrame(bars, index)}, tick_size=0.01)


def tables_of(result: Result) -> list[Any]:
    """What a report is made of."""
    return [result.equity, result.orders, result.fills, result.trades, result.refused, result.costs]


def test_a_run_whose_audit_is_longer_than_the_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tape = walk()
    usual = backtest(Restless(), tape, costs={"fee_bps": 1.0})
    assert len(usual.fills) > 500
    assert len(usual.refused) > 50
    monkeypatch.setattr("framework.simulation.simulate.Audit", partial(Audit, held_bytes=100 * _ROW))
    tight = backtest(Restless(), tape, costs={"fee_bps": 1.0})
    for mine, theirs in zip(tables_of(tight), tables_of(usual), strict=True):
        assert mine.equals(theirs)
    assert tight.audit_hash == usual.audit_hash
    assert not tight.audit.records.flags.writeable  # it lies in a file
    assert tight.audit.save(tmp_path / "tight.bin").read_bytes() == usual.audit.save(tmp_path / "usual.bin").read_bytes()
    for record in (tight.audit, usual.audit, tmp_path / "tight.bin"):
        assert replay(Restless(), tape, record).audit_hash == usual.audit_hash
