"""Runs engines in processes of their own: parity of results on a small workload first, then the clock on the full one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from framework.bench import workloads
from framework.bench.captured import ABSENT, Capture
from framework.bench.engines import HARNESS, Contender, loop, rows_of
from framework.bench.peers.harness import Work

TOLERANCE = 1e-6
"""Largest difference of final equities that counts as equal, as a part of what was won or lost."""


@dataclass(frozen=True)
class Row:
    """One measured row; the columns of `--json`. Numbers are None where the engine was skipped, and `parity` says why.

    Attributes:
        spread: the second fastest run over the fastest, less 1: how well `seconds` are known; None of a single run.
    """

    workload: str
    mode: str
    engine: str
    version: str
    events: int | None
    seconds: float | None
    events_per_second: float | None
    cold_seconds: float | None
    peak_rss_mb: float | None
    parity: str
    spread: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The row as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Skipped:
    """Why an engine did not run."""

    reason: str


Answer = dict[str, Any]


def command_of(contender: Contender, folder: Path) -> list[str] | Skipped:
    """What starts an engine's process on the workload in a folder; the harness's other options follow it."""
    if contender.peer and not contender.python.exists():
        return Skipped("not installed: make peers")
    failed = contender.python.parents[1] / "failed.txt"
    if contender.peer and failed.exists():
        return Skipped(f"could not be installed: {failed.read_text().strip()}")
    python = str(contender.python) if contender.peer else sys.executable
    mode = contender.fills if contender.engine == "hand_loop" else contender.mode
    return [python, "-P", str(HARNESS), contender.script, str(folder), "--mode", mode, "--limit", str(contender.limit)]


def variables_of(contender: Contender, folder: Path, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of an engine's process, with changes to it."""
    variables = {**os.environ, "ONETAPE_CACHE": str(folder / "cache"), **(environment or {})}  # mapped tapes go with the folder
    if contender.peer:
        variables.pop("PYTHONPATH", None)
    return variables


def last_words(said: str, status: int) -> str:
    """Why a process failed: the last line of its errors."""
    return (said.strip().splitlines() or [f"exit status {status}"])[-1][:200]


def run(contender: Contender, folder: Path, repeat: int, environment: Mapping[str, str] | None = None) -> Answer | Skipped:
    """One engine on one workload in a fresh process."""
    command = command_of(contender, folder)
    if isinstance(command, Skipped):
        return command
    command += ["--repeat", str(repeat), "--launched", repr(time.time())]
    variables = variables_of(contender, folder, environment)
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    if done.returncode:
        return Skipped(f"failed: {last_words(done.stderr, done.returncode)}")
    answer: Answer = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def measure(
    name: str,
    size: workloads.Size,
    folder: Path,
    repeat: int,
    *,
    peers: bool,
    say: Callable[[str], None],
    capture: Capture | None = None,
) -> list[Row]:
    """All rows of a workload: parity, then time. W4B is skipped without a capture; with one, parity is that of all its rows."""
    entries = rows_of(name, peers=peers)
    if name == "W4B" and capture is None:
        return [_row(contender, Skipped(ABSENT), "") for contender in entries]
    small = workloads.write(name, workloads.SMALL, folder / "small" / name, capture=capture)
    agreed = {}
    for contender in entries:
        say(f"{name}: parity of {contender.engine} ({contender.mode})")
        agreed[contender] = run(replace(contender, limit=0), small, 0)
    verdicts = _verdicts(agreed, small)
    full = small if name == "W4B" else workloads.write(name, size, folder / "full" / name)
    rows = []
    for contender in entries:
        if not isinstance(agreed[contender], Skipped):
            say(f"{name}: timing {contender.engine} ({contender.mode})")
        answer = agreed[contender] if isinstance(agreed[contender], Skipped) else run(contender, full, repeat)
        rows.append(_row(contender, answer, verdicts[contender]))
    return rows


def _row(contender: Contender, answer: Answer | Skipped, verdict: str) -> Row:
    if isinstance(answer, Skipped):
        return Row(contender.workload, contender.mode, contender.engine, "", None, None, None, None, None, f"skipped: {answer.reason}")
    seconds = answer["seconds"] if answer["seconds"] is not None else answer["cold_seconds"]
    return Row(
        workload=contender.workload,
        mode=contender.mode,
        engine=contender.engine,
        version=answer["version"],
        events=answer["events"],
        seconds=seconds,
        events_per_second=answer["events"] / seconds,
        cold_seconds=answer["cold_seconds"],
        peak_rss_mb=answer["peak_rss_mb"],
        parity=verdict,
        spread=answer["spread"],
    )


def _verdicts(answers: dict[Contender, Answer | Skipped], folder: Path) -> dict[Contender, str]:
    """How each result on the small workload stands to ours, or to a hand loop that fills where the peer fills."""
    first = next((answer for contender, answer in answers.items() if contender.compared and not isinstance(answer, Skipped)), None)
    others: dict[str, Answer | Skipped] = {}
    verdicts = {}
    for contender, answer in answers.items():
        compared = not isinstance(answer, Skipped) and first is not None
        verdicts[contender] = verdict_on(contender, answer, first, folder, others) if compared else ""  # type: ignore[arg-type]
    return verdicts


def verdict_on(contender: Contender, answer: Answer, first: Answer, folder: Path, others: dict[str, Answer | Skipped]) -> str:
    """How a result on the small workload stands to the first one; `others` keeps the hand loops that fill elsewhere, by where."""
    if not contender.compared:
        return "not compared: it never orders"
    if contender.must_agree:
        return _same_fills(answer, first, folder)
    if contender.fills not in others:
        others[contender.fills] = run(loop(contender.workload, contender.fills), folder, 0)
    return _own_fills(contender, answer, others[contender.fills], folder)


def _same_fills(answer: Answer, first: Answer, folder: Path) -> str:
    """How a result stands to that of the first engine, with the fills over a book that both have: by stamp, side and price."""
    off = difference(answer, first, folder)
    mine, theirs = (Counter(map(tuple, one["told"])) for one in (first, answer))
    verdict = "equal" if mine == theirs else "DIFFERS"
    if off > TOLERANCE:
        verdict = f"DIFFERS by {off:.1e} of what was won or lost"
    if answer is first or not answer["told"]:
        return verdict
    return f"{verdict}: has {(mine & theirs).total():,} of {mine.total():,} fills, and {(theirs - mine).total():,} of its own"


def _own_fills(contender: Contender, answer: Answer, same: Answer | Skipped, folder: Path) -> str:
    described = f"differs: fills at the {contender.fills}" + (f", {contender.apart}" if contender.apart else "")
    if isinstance(same, Skipped):
        return described
    off = difference(answer, same, folder)
    return f"{described}; a hand loop that fills there is {'equal' if off <= TOLERANCE else f'{off:.0e} off'}"


def difference(one: Answer, other: Answer, folder: Path) -> float:
    """Largest difference of two engines' final equities, as a part of the larger of what was won or lost and one unit of money."""
    cash = float(Work(folder).spec["cash"])
    pairs: list[tuple[float, float]] = list(zip(one["equity"], other["equity"], strict=True))
    return max(abs(a - b) / max(abs(b - cash), 1.0) for a, b in pairs)
