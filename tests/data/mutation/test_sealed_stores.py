"""What is kept under checksums: any damage to a dataset is refused or changes nothing; a store of ticks and a mapped tape likewise."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from framework.data.store import catalog, tapes
from framework.data.store.ticks import open_store
from framework.errors import InputError
from tests.data.mutation import changes
from tests.data.mutation.judge import check_message
from tests.data.mutation.small_files import dataset, tick_store

Read = Callable[[Path], np.ndarray]
FEW, MANY = 15, 120


def of_dataset(root: Path) -> np.ndarray:
    found = catalog.open("acme", root=root).events()
    assert catalog.check("acme", root) is not None
    return found


def first_half(root: Path) -> np.ndarray:
    return catalog.load("acme", root=root, start="2023-03-06 14:33Z", end="2023-03-06 14:38Z").events


def of_store(root: Path) -> np.ndarray:
    store = open_store("live", root)
    return store.read().events() if store.streams() == ["feed"] else np.zeros(0)


SEALED: dict[str, tuple[Callable[[Path], Path], Read, str]] = {
    "manifest": (dataset, of_dataset, "*/manifest.json"),
    "partition": (dataset, of_dataset, "*/*/*.parquet"),
    "part of a partition": (dataset, first_half, "*/*/*.parquet"),
    "segment": (tick_store, of_store, "*/*/*.parquet"),
}


def hunt(name: str, cases: range, folder: Path) -> Counter[str]:
    write, read, pattern = SEALED[name]
    (folder / "made").mkdir(parents=True)
    root = write(folder / "made")
    good = read(root)
    [path] = root.glob(pattern)
    whole, outcomes = path.read_bytes(), Counter[str]()
    for case in cases:
        draw = random.Random(f"{name} {case}")
        change = draw.choice(changes.BYTES)
        path.write_bytes(change(whole, draw))
        try:
            found = read(root)
        except InputError as error:
            check_message(str(error), path, "acme", "live")
            outcomes["refused"] += 1
        except BaseException as error:
            error.add_note(f"{name}, case {case}, {change.__name__}")
            raise
        else:
            assert np.array_equal(found, good), f"{name}, case {case}, {change.__name__}: read as something else"
            outcomes["same"] += 1
    return outcomes


@pytest.mark.parametrize("name", SEALED)
def test_no_damage_goes_unseen(name: str, tmp_path: Path) -> None:
    assert hunt(name, range(FEW), tmp_path)["refused"] > FEW // 2


@pytest.mark.long
@pytest.mark.parametrize("name", SEALED)
def test_no_damage_of_many_goes_unseen(name: str, tmp_path: Path) -> None:
    assert hunt(name, range(1000, 1000 + MANY), tmp_path)["refused"] > MANY // 2


def test_a_damaged_register_of_a_store_is_refused_or_read(tmp_path: Path) -> None:
    root = tick_store(tmp_path)
    path = root / "live.ticks" / "store.json"
    whole = path.read_bytes()
    for case in range(60):
        draw = random.Random(f"register {case}")
        path.write_bytes(draw.choice(changes.TEXT)(whole, draw))
        try:
            of_store(root)
        except InputError as error:
            check_message(str(error), path, "live")


def test_a_damaged_mapped_tape_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONETAPE_CACHE", str(tmp_path / "cache"))
    root = dataset(tmp_path)
    good = catalog.load("acme", root=root, in_memory_events=1).events.copy()
    for case in range(20):
        draw = random.Random(f"tape {case}")
        for path in tapes.cache_folder().iterdir():
            if draw.random() < 0.6:
                path.write_bytes(draw.choice(changes.BYTES)(path.read_bytes(), draw))
        assert np.array_equal(catalog.load("acme", root=root, in_memory_events=1).events, good), case
    shutil.rmtree(tapes.cache_folder())
