"""Events in a file are passed over without being kept: nothing changes in what is read, and memory stays bounded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.lib.format import open_memmap

from framework import Instrument, Strategy, backtest
from framework.data.tape import Tape, build, mapped
from framework.data.tape.event_arrays import room
from framework.schema.event import EVENT, Kind
from tests.residence import resident_kb


def quotes(count: int) -> Tape:
    events = np.zeros(count, EVENT)
    events["ts_venue_ns"] = events["ts_local_ns"] = 1_577_836_800_000_000_000 + np.arange(count) * 10_000_000
    events["kind"], events["w0"], events["w1"], events["w2"], events["w3"] = Kind.QUOTE, 10_000, 10_001, 5, 5
    return build({}, {"ACME": Instrument("ACME")}, extra=events, name="quotes")


def in_a_file(tape: Tape, path: Path) -> Tape:
    events = open_memmap(path, mode="w+", dtype=EVENT, shape=tape.events.shape)
    events[:] = tape.events
    events.flush()
    opened = np.load(path, mmap_mode="r").view(np.ndarray)
    return Tape(tape.instruments, tape.currencies, tape.calendars, opened, tape.notes, tape.name)


class BuyOnce(Strategy):
    def on_start(self, view: object) -> None:
        self.bought = False

    def on_quote(self, view: object, quote: object) -> None:
        if not self.bought:
            self.bought = True
            view.buy("ACME", 3)  # type: ignore[attr-defined]


def test_a_file_is_read_like_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "BLOCK", 700)
    tape = quotes(5_000)
    other = in_a_file(tape, tmp_path / "tape.npy")
    assert mapped.is_mapped(other.events)
    assert not mapped.is_mapped(tape.events)
    assert other.digest() == tape.digest()
    assert other.has_quotes
    assert {k: [v.tolist() for v in both] for k, both in other.sessions.items()} == {
        k: [v.tolist() for v in both] for k, both in tape.sessions.items()
    }
    runs = [backtest(BuyOnce(), which, chunk_events=900 if which is other else None) for which in (tape, other)]
    assert runs[0].audit.digest == runs[1].audit.digest
    assert runs[0].fills["price"].tolist() == [100.01]


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the memory of a mapping is read from /proc")
def test_what_was_passed_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tape.npy"
    opened = in_a_file(quotes(200_000), path)  # 12.8 MB
    assert int(opened.events["w0"].sum()) > 0
    assert resident_kb(path) > 12_000
    monkeypatch.setattr(mapped, "BLOCK", 10_000)
    passed = sum(int((part["kind"] == Kind.QUOTE).sum()) for part in mapped.blocks(opened.events))
    assert passed == 200_000
    assert resident_kb(path) < 1_000
    assert int((opened.events["w0"] == 10_000).sum()) == 200_000  # and can be read again


def test_memory_without_a_file_is_never_given_back() -> None:
    events = room(600_000)  # asked of the system as a mapping of its own
    events["w0"] = 7
    assert not mapped.is_mapped(events)
    mapped.give_back(events, 0, len(events))
    assert (events["w0"] == 7).all()
