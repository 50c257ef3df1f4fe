"""`onetape bench --against FILE`: what got slower than in an earlier run. Nothing here asserts a time."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from framework import cli
from framework.bench.earlier import changes, saved
from framework.bench.measure import Row
from framework.errors import InputError


def row(mode: str, seconds: float, spread: float | None, engine: str = "onetape", workload: str = "W1") -> Row:
    return Row(workload, mode, engine, "1.0", 1000, seconds, 1000 / seconds, 1.0, 100.0, "equal", spread)


def test_what_is_slower_beyond_noise_is_named() -> None:
    """Limits by hand: 10 % at least, the sum of both spreads where that is more, 25 % of a single run."""
    before = [row("steady", 1.0, 0.01), row("noisy", 1.0, 0.2), row("single", 1.0, None), row("gone", 1.0, 0.0), row("faster", 1.0, 0.0)]
    now = [row("steady", 1.11, 0.01), row("noisy", 1.29, 0.1), row("single", 1.26, None), row("new", 9.0, 0.0), row("faster", 0.5, 0.0)]
    found = {change.mode: (round(change.ratio, 2), round(change.limit, 2), change.is_slower) for change in changes(before, now, "f")}
    assert found == {
        "steady": (1.11, 1.1, True),
        "noisy": (1.29, 1.3, False),
        "single": (1.26, 1.25, True),
        "faster": (0.5, 1.1, False),
    }


def test_a_slower_machine_is_no_slower_code() -> None:
    """The hand loop took twice as long, so twice as long is what it was; a loop of another workload says nothing."""
    before = [row("compiled", 1.0, 0.0), row("loop", 0.1, 0.0, "hand_loop"), row("weights", 1.0, 0.0, workload="W2")]
    now = [row("compiled", 2.0, 0.0), row("loop", 0.2, 0.0, "hand_loop"), row("weights", 2.0, 0.0, workload="W2")]
    assert [(change.workload, change.ratio, change.is_slower) for change in changes(before, now, "f")] == [
        ("W1", 1.0, False),
        ("W2", 2.0, True),
    ]


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="had 1,000 events, now 5; rule: the same work"):
        changes([row("a", 1.0, 0.0)], [replace(row("a", 1.0, 0.0), events=5)], "f")
    with pytest.raises(InputError, match="no row of ours that was measured now"):
        changes([row("a", 1.0, 0.0)], [row("b", 1.0, 0.0)], "f")
    for content in ("{", "[1]", '[{"speed": 1}]'):
        (tmp_path / "rows.json").write_text(content)
        with pytest.raises(InputError, match=r"rows\.json: .*Give a file that `onetape bench --json FILE` wrote"):
            saved(str(tmp_path / "rows.json"))


def test_the_command_names_what_got_slower(tmp_path: Path) -> None:
    """Against a run that took no time, everything is slower; against one that took a day, nothing."""
    out = tmp_path / "rows.json"
    words = ["bench", "W2", "--small", "--repeat", "2", "--json", str(out)]
    assert CliRunner().invoke(cli.assemble(), words).exit_code == 0
    rows = [Row(**found) for found in json.loads(out.read_text())]
    assert all(found.spread is not None and found.spread >= 0.0 for found in rows)
    for seconds, status, said in ((1e-9, 1, "slower than then: W2: weights ("), (86_400.0, 0, "slower than then: nothing")):
        then = tmp_path / "then.json"
        then.write_text(json.dumps([asdict(replace(found, seconds=seconds)) for found in rows if found.engine == "onetape"]))
        shown = CliRunner().invoke(cli.assemble(), [*words, "--against", str(then)])
        assert shown.exit_code == status and said in shown.stdout, shown.output
