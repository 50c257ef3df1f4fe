"""Configs broken at random: a clear error that says where, or a right result; no other exception, no program run, no memory filled."""

from __future__ import annotations

import random
import resource
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.commands.sweep import read_grid
from framework.config import RunConfig, digest, load, parse_run
from framework.engine.library import load_class
from framework.errors import ConfigError, InputError, StrategyError
from framework.simulation.backtest import run
from framework.simulation.parameter_grid import parameter_sets
from tests.properties.broken_configs import WHOLE, broken, listing, setting
from tests.simulation.market import frames

_STARTS_PROGRAMS = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "pty.")
_SECONDS = 60
_GROWTH_KB = 300_000

started: list[str] = []
"""Programs that were started while a config was read and run."""

_watching = [False]


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _watching[0] and event.startswith(_STARTS_PROGRAMS):
        started.append(f"{event} {arguments!r}")


sys.addaudithook(_watch)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with data, and a module beside it that leaves a file behind when it is run."""
    (tmp_path / "bars").mkdir()
    for symbol, frame in frames(2, 60).items():
        frame.to_csv(tmp_path / "bars" / f"{symbol}.csv", index_label="ts")
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath('canary').write_text('ran')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)  # what hangs is interrupted
    _watching[0] = True
    yield tmp_path
    _watching[0] = False
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    assert started == [] and not (tmp_path / "canary").exists()


def outcome(path: Path, settings: list[str], expected: dict[str, str]) -> str:
    """What became of a config, checked: "refused", "refused later", "same" or "other"."""
    try:
        config = load(path, settings)
    except ConfigError as error:
        places = (str(path), "--set", "run.yaml", "evil.py", str(path.parent), "/: ", "/dev/zero")
        assert all(any(place in line for place in places) for line in str(error).split("\n")), str(error)
        assert len(str(error)) < 4000 and "Traceback" not in str(error)
        return "refused"
    again = parse_run(config.model_dump(mode="json"))
    assert digest(again) == digest(config)
    try:
        result = run(config)
    except (InputError, StrategyError) as error:
        assert any(name in str(error) for name in (*RunConfig.model_fields, *_SAID)) and len(str(error)) < 4000, str(error)
        return "refused later"
    key = digest(config)
    assert expected.setdefault(key, result.audit_hash) == result.audit_hash
    return "same" if key == next(iter(expected)) else "other"


_SAID = tuple(
    [
        "source",
        "instrument",
        "calendar",
        "start",
        "end",
        "tick",
        "lot",
        "bars",
        "Crossover",
        "file",
        "folder",
        "currency",
        "cash",
        "evil.py",
    ]
)


def check(folder: Path, seed: int, count: int) -> Counter[str]:
    draw, path, data = random.Random(seed), folder / "case.yaml", folder / "bars"
    path.write_text(WHOLE.format(data=data))
    expected: dict[str, str] = {}
    found = Counter({outcome(path, [], expected): 0})
    (folder / "run.yaml").write_text(WHOLE.format(data=data))
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for k in range(count):
        content = broken(draw, data)
        settings = [setting(draw)] if draw.random() < 0.1 else []
        path.write_bytes(content)
        signal.alarm(_SECONDS)
        try:
            found[outcome(path, settings, expected)] += 1
        except BaseException as error:
            error.add_note(f"seed {seed}, case {k}, settings {settings!r}:\n{content!r}")
            raise
        signal.alarm(0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - size < _GROWTH_KB
    return found


def test_a_broken_config_is_refused_or_right(desk: Path) -> None:
    found = check(desk, 11, 200)
    assert found["refused"] > 100 and found["same"] > 5 and found["other"] > 5, found


@pytest.mark.long
def test_three_thousand_broken_configs_are_refused_or_right(desk: Path) -> None:
    found = check(desk, random.SystemRandom().randrange(1 << 32), 3000)
    assert found["refused"] > 1500 and found["same"] > 50 and found["other"] > 50, found


def test_a_broken_grid_is_refused_or_right(desk: Path) -> None:
    draw, cls = random.Random(5), load_class("strategies.crossover:Crossover")
    found = Counter[str]()
    for _ in range(300):
        texts = [listing(draw) for _ in range(draw.randrange(1, 3))]
        try:
            grid = read_grid(texts)
            sets = parameter_sets(cls, grid, {})
        except ConfigError as error:
            assert str(error).startswith(("--grid", "grid")), str(error)
            found["refused"] += 1
            continue
        assert len(sets) == len({one.digest for one in sets})
        found["right"] += 1
    assert found["refused"] > 100 and found["right"] > 5, found
