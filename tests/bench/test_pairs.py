"""Two engines timed in turn: who runs when, what bounds the median, which build each process runs. Nothing here asserts a time."""

from __future__ import annotations

import json
import statistics
from math import comb
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from framework import __version__, cli
from framework.bench import paired_runs, workloads
from framework.bench.paired_runs import Paired, Side, falls_short, lower_bound, sides_of
from framework.bench.turns import Lost, Turns
from framework.errors import InputError


@pytest.mark.parametrize(("count", "rank"), [(5, 1), (7, 1), (8, 2), (10, 2), (11, 3), (15, 4), (25, 8), (50, 19)])
def test_the_bound_is_that_of_the_sign_test(count: int, rank: int) -> None:
    ratios = [float(k) for k in range(count, 0, -1)]
    assert lower_bound(ratios) == rank  # ranks as in printed tables of the sign test, one-sided 5 %
    assert sum(comb(count, k) for k in range(rank)) / 2**count <= 0.05 < sum(comb(count, k) for k in range(rank + 1)) / 2**count


def test_too_few_ratios_have_no_bound() -> None:
    with pytest.raises(ValueError, match="4 ratios: too few"):
        lower_bound([1.0] * 4)
    with pytest.raises(InputError, match="--pairs 4: too few .* at least 5"):
        paired_runs.measure("W1", workloads.SMALL, Path("nowhere"), sides_of("W1", None, (), peers=False), pairs=4, say=print)


class Stub:
    """A process that takes turns by saying its name, and gives seconds from a list."""

    def __init__(self, name: str, seconds: list[float], said: list[str]) -> None:
        self.name, self._seconds, self._said = name, seconds, said
        self.first = {"version": name}

    def __enter__(self) -> Stub:
        self._said.append("(")
        return self

    def __exit__(self, *_: object) -> None:
        self._said.append(")")

    def seconds(self) -> float:
        self._said.append(self.name)
        return self._seconds.pop(0)


def test_processes_are_new_turns_alternate_and_the_first_of_each_is_not_counted() -> None:
    said: list[str] = []
    ours, theirs = (
        [9.0, 1.0, 9.0, 3.0, 0.1, 2.0, 9.0, 8.0, 9.0, 7.0, 9.0, 6.5],
        [9.0, 4.0, 9.0, 6.0, 0.2, 5.0, 9.0, 3.0, 9.0, 9.5, 9.0, 4.0],
    )
    starts = [lambda: Stub("a", ours, said), lambda: Stub("b", theirs, said)]
    found, firsts = paired_runs._take_turns(starts, 2, lambda k: said.append(str(k)))  # type: ignore[arg-type]
    assert paired_runs.PROCESSES == 3
    assert "".join(said) == "1((abab))((baba))((abab))2((baba))((abab))((baba))"
    assert found == [(1.0, 4.0), (6.5, 3.0)]
    assert firsts == [{"version": "a"}, {"version": "b"}]


def test_what_is_timed_against_what() -> None:
    mine, others = sides_of("W1", None, ["unchecked", "hand_loop", "python", "vectorbt"], peers=False)
    assert (mine.contender.engine, mine.contender.mode, mine.environment["ONETAPE_UNCHECKED"]) == ("onetape", "compiled", "0")
    assert [(side.contender.engine, side.contender.mode, side.environment["ONETAPE_UNCHECKED"]) for side in others] == [
        *(("onetape", "compiled", "1"), ("hand_loop", "numba, no records", "0")),
        *(("onetape", "python", "0"), ("vectorbt", "from_signals", "0")),
    ]
    _, every = sides_of("W2", "python", (), peers=False)
    assert [(side.contender.engine, side.contender.mode) for side in every] == [("onetape", "weights"), ("hand_loop", "numba, no records")]
    assert {side.contender.engine for side in sides_of("W2", None, (), peers=True)[1]} == {
        *("onetape", "hand_loop", "vectorbt", "bt", "zipline_reloaded")
    }


def test_what_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--against hftbacktest: no engine or way of ours on W1, and no folder of a checkout"):
        sides_of("W1", None, ["hftbacktest"], peers=False)
    with pytest.raises(InputError, match=r"has no framework/bench/ours.py"):
        sides_of("W1", None, [str(tmp_path)], peers=False)
    with pytest.raises(InputError, match="no way 'compild' of ours. Did you mean compiled"):
        sides_of("W1", "compild", (), peers=False)
    for words, said in (
        (["--against", "unchecked"], "add --pairs 15"),
        (["startup", "--pairs", "5"], "startup: not timed in pairs"),
        (["W9", "--pairs", "5"], "W9: no such workload"),
        (["W1", "--small", "--pairs", "3"], "--pairs 3: too few"),
    ):
        shown = CliRunner().invoke(cli.assemble(), ["bench", *words])
        assert shown.exit_code == 2 and said in shown.stderr, shown.output


FAKE = """
from pathlib import Path
from harness import Outcome

def version():
    return "from elsewhere"

def prepare(work, mode):
    return (lambda: mode), (lambda made: Outcome([float(work.array("close")[0])], 7, 11))
"""


def checkout(folder: Path) -> Path:
    (folder / "framework" / "bench").mkdir(parents=True)
    for place in ("framework/__init__.py", "framework/bench/__init__.py"):
        (folder / place).touch()
    (folder / "framework" / "bench" / "ours.py").write_text(FAKE)
    return folder


def test_a_checkout_runs_its_own_code_on_files_of_its_own(tmp_path: Path) -> None:
    made = workloads.write("W1", workloads.SMALL, tmp_path / "W1")
    _, [side] = sides_of("W1", None, [str(checkout(tmp_path / "other"))], peers=False)
    own = paired_runs._own_folder(made, side)
    assert own != made and sorted(path.name for path in own.iterdir()) == sorted(path.name for path in made.iterdir())
    with Turns(side.contender, own, side.environment) as turns:
        assert turns.first["version"] == "from elsewhere" and turns.first["events"] == 11
        first, second = turns.seconds(), turns.seconds()
    assert first > 0 and second > 0 and turns._process.returncode == 0


def test_a_process_that_ends_says_why(tmp_path: Path) -> None:
    mine, _ = sides_of("W1", None, (), peers=False)
    with pytest.raises(Lost, match="FileNotFoundError"):
        Turns(mine.contender, tmp_path, mine.environment)
    made = workloads.write("W1", workloads.SMALL, tmp_path / "W1")
    broken = checkout(tmp_path / "other")
    text = FAKE.replace("(lambda: mode)", "(lambda ran=[]: ran.append(mode) if not ran else 1 // 0)")
    (broken / "framework" / "bench" / "ours.py").write_text(text)
    _, [side] = sides_of("W1", None, [str(broken)], peers=False)
    with Turns(side.contender, made, side.environment) as turns, pytest.raises(Lost, match="ZeroDivisionError"):
        turns.seconds()


def compared(at_least: float | None) -> Paired:
    return Paired("W1", "compiled", "1.0", "b", 5, at_least, at_least, 1.0, 1.0, (), "equal")


def test_a_bound_that_is_too_low_or_missing_falls_short() -> None:
    assert not falls_short([compared(0.95)], 0.95) and not falls_short([compared(0.1), compared(None)], None)
    assert falls_short([compared(0.96), compared(0.949)], 0.95) and falls_short([compared(None)], 0.0)


def measured(tmp_path: Path, *words: str, code: int = 0) -> list[dict[str, Any]]:
    out = tmp_path / "pairs.json"
    shown = CliRunner().invoke(cli.assemble(), ["bench", "W1", "--small", "--pairs", "5", "--json", str(out), *words])
    assert shown.exit_code == code, shown.output
    assert "W1, in turn" in shown.stdout
    found: list[dict[str, Any]] = json.loads(out.read_text())
    return found


def test_a_comparison_from_the_command_line(tmp_path: Path) -> None:
    [found] = measured(tmp_path, "--against", "hand_loop", "--at-least", "1e9", code=1)
    assert (found["workload"], found["mode"], found["version"], found["pairs"]) == ("W1", "compiled", __version__, 5)
    assert found["against"].startswith("hand_loop numba") and found["parity"] == "equal"
    assert len(found["ratios"]) == 5 and found["ratio"] == statistics.median(found["ratios"]) > 0
    assert found["at_least"] == min(found["ratios"])
    assert found["seconds"] > 0 and found["against_seconds"] > 0


def test_a_peer_that_is_absent_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framework.bench.engines.ENVIRONMENTS", tmp_path)
    [found] = measured(tmp_path, "--against", "vectorbt")
    assert found["ratio"] is None and found["parity"] == "skipped: not installed: make peers"


@pytest.mark.long
def test_our_build_without_checks_comes_to_the_same(tmp_path: Path) -> None:
    [found] = measured(tmp_path, "--against", "unchecked")
    assert (found["version"], found["parity"]) == (__version__, "equal")
    assert found["against"] == f"onetape {__version__} unchecked: compiled, unchecked"


def test_sides_are_told_apart() -> None:
    mine, [other] = sides_of("W1", None, ["unchecked"], peers=False)
    assert mine == Side(mine.contender, "", mine.environment) and other.label == "unchecked"
