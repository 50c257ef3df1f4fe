"""Two engines, or two builds of ours, timed in turn: a b, b a, a b, ... The median of the pairs' ratios, with a lower bound.

What slows the machine down for a while slows both down: it moves seconds, ratios of the same moment hardly. What a process keeps as
long as it lives, such as where its memory lies, moves its ratios by some 2 %: each turn is that of several new processes, of which the
fastest counts.
"""

from __future__ import annotations

import os
import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from math import comb
from pathlib import Path
from typing import Any

from framework.bench import workloads
from framework.bench.captured import Capture
from framework.bench.engines import HERE, Contender, rows_of
from framework.bench.measure import Answer, Skipped, run, verdict_on
from framework.bench.turns import Lost, Turns
from framework.errors import InputError, did_you_mean

LEAST_PAIRS = 5
"""With fewer, not even the smallest ratio is a lower bound at 95 %: 0.5 ** 4 is more than 5 %."""

PROCESSES = 3
"""How many new processes a side has for each pair."""

_ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Side:
    """One of the two that are timed.

    Attributes:
        entry: who runs, and how.
        label: what tells it from the other one, "" where that is the entry.
        environment: changes to the variables of its process.
    """

    contender: Contender
    label: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Paired:
    """One measured comparison; the columns of `--json` with `--pairs`. Numbers are None where it was skipped, and `parity` says why.

    Attributes:
        ratio: the median of our events per second over those of the other side, of the same pair.
        at_least: the lower 95 % bound of that median.
        seconds, against_seconds: medians of both sides' turns.
        ratios: of all pairs, in the order in which they ran.
    """

    workload: str
    mode: str
    version: str
    against: str
    pairs: int
    ratio: float | None
    at_least: float | None
    seconds: float | None
    against_seconds: float | None
    ratios: tuple[float, ...]
    parity: str

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        return asdict(self)


def lower_bound(ratios: Sequence[float], confidence: float = 0.95) -> float:
    """A lower bound of the median of what the ratios are drawn from, whatever its distribution.

    Of n ratios, the number that lies below the median is Binomial(n, 1/2). So the r-th smallest lies above the median with
    probability P(Binomial(n, 1/2) < r), and the bound is the r-th smallest of the largest r for which that is at most
    1 - confidence: the 4th smallest of 15, where it is 1.8 %.

    Raises:
        ValueError: there are too few for any bound, fewer than 5 at 95 %.
    """
    count, rank, tail = len(ratios), 0, 0.0
    while rank < count and tail + comb(count, rank) / 2**count <= 1.0 - confidence:
        tail += comb(count, rank) / 2**count
        rank += 1
    if rank == 0:
        raise ValueError(f"{count} ratios: too few for a bound at {confidence}; rule: 0.5 ** count is at most {1.0 - confidence:.3g}")
    return sorted(ratios)[rank - 1]


def sides_of(workload: str, mode: str | None, against: Sequence[str], *, peers: bool) -> tuple[Side, list[Side]]:
    """Our side and those that it is timed against.

    Args:
        workload: W1, W2, W3, W4, W4R or W4B.
        mode: one of our ways on it; None is the first.
        against: "unchecked", names of engines, modes of ours, folders of other checkouts; empty is every other row.
        peers: whether those rows include peers.

    Raises:
        InputError: there is no such mode, engine or checkout.
    """
    known = rows_of(workload, peers=True)
    modes = [contender.mode for contender in known if contender.engine == "onetape"]
    if mode is not None and mode not in modes:
        raise InputError(f"{workload}: no way {mode!r} of ours. {did_you_mean(mode, modes)}")
    mine = next(contender for contender in known if contender.engine == "onetape" and mode in (None, contender.mode))
    if not against:
        return _side(mine), [_side(contender) for contender in rows_of(workload, peers=peers) if contender != mine]
    names = {contender.mode if contender.engine == "onetape" else contender.engine: contender for contender in known if contender != mine}
    return _side(mine), [_named(name, mine, names) for name in against]


def _named(name: str, mine: Contender, names: Mapping[str, Contender]) -> Side:
    if name == "unchecked":
        return _side(mine, "unchecked", unchecked="1")
    if name in names:
        return _side(names[name])
    checkout = Path(name).resolve()
    if (checkout / "framework" / "bench" / "ours.py").is_file():
        return _side(mine, f"checkout {name}", root=checkout)
    raise InputError(
        f"--against {name}: no engine or way of ours on {mine.workload}, and no folder of a checkout (it has no framework/bench/ours.py). "
        f"There are unchecked, {', '.join(names)}, or the path of a checkout."
    )


def _side(contender: Contender, label: str = "", *, unchecked: str = "0", root: Path = _ROOT) -> Side:
    """A side whose process runs the framework under `root`, whichever one is installed."""
    places = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    return Side(contender, label, {"PYTHONPATH": os.pathsep.join(places), "ONETAPE_UNCHECKED": unchecked})


def measure(
    name: str,
    size: workloads.Size,
    folder: Path,
    sides: tuple[Side, list[Side]],
    *,
    pairs: int,
    say: Callable[[str], None],
    capture: Capture | None = None,
) -> list[Paired]:
    """Compare our side with each of the others on a workload: results on the small one first, then `pairs` turns of each on the full one.

    Raises:
        InputError: `pairs` is below `LEAST_PAIRS`; W4B without a capture.
    """
    if pairs < LEAST_PAIRS:
        raise InputError(f"--pairs {pairs}: too few for a lower bound at 95 %; ask for at least {LEAST_PAIRS}")
    mine, others = sides
    small = workloads.write(name, workloads.SMALL, folder / "small" / name, capture=capture)
    full = small if name == "W4B" else workloads.write(name, size, folder / "full" / name)
    return [_compare(mine, other, small, full, pairs, say) for other in others]


def falls_short(compared: Sequence[Paired], least: float | None) -> bool:
    """Whether a comparison was skipped, or its lower bound is below `least`; never where no least was asked for."""
    return least is not None and any(one.at_least is None or one.at_least < least for one in compared)


def _compare(mine: Side, other: Side, small: Path, full: Path, pairs: int, say: Callable[[str], None]) -> Paired:
    contender = mine.contender
    try:
        say(f"{contender.workload}: parity with {_name(other)}")
        parity = _parity(mine, other, small)
        starts = [partial(Turns, side.contender, _own_folder(full, side), side.environment) for side in (mine, other)]
        seconds, firsts = _take_turns(starts, pairs, lambda k: say(f"{contender.workload}: pair {k} of {pairs} with {_name(other)}"))
        events, version = [first["events"] for first in firsts], firsts[0]["version"]
        name = f"{other.contender.engine} {firsts[1]['version']}: {_name(other)}"
    except Lost as lost:
        name = f"{other.contender.engine}: {_name(other)}"
        return Paired(contender.workload, contender.mode, "", name, 0, None, None, None, None, (), f"skipped: {lost}")
    ratios = tuple((events[0] / mine_s) / (events[1] / theirs_s) for mine_s, theirs_s in seconds)
    medians = [statistics.median(each) for each in zip(*seconds, strict=True)]
    middle, least = statistics.median(ratios), lower_bound(ratios)
    return Paired(contender.workload, contender.mode, version, name, pairs, middle, least, medians[0], medians[1], ratios, parity)


def _name(side: Side) -> str:
    return f"{side.contender.mode}, {side.label}" if side.label else side.contender.mode


def _parity(mine: Side, other: Side, folder: Path) -> str:
    """How their results on the small workload compare; what cannot run at all is lost."""
    answers = [run(replace(side.contender, limit=0), _own_folder(folder, side), 0, side.environment) for side in (mine, other)]
    for answer in answers:
        if isinstance(answer, Skipped):
            raise Lost(answer.reason)
    return verdict_on(other.contender, answers[1], answers[0], folder, {})  # type: ignore[arg-type]


def _own_folder(folder: Path, side: Side) -> Path:
    """The workload's files once more for a side that keeps datasets beside them in a form of its own; they take no room."""
    if not side.label:
        return folder
    own = folder.with_name(f"{folder.name}-other")
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    for path in (folder / "spec.json", *folder.glob("*.npy")):
        os.link(path, own / path.name)
    return own


def _take_turns(
    starts: Sequence[Callable[[], Turns]], pairs: int, say: Callable[[int], None]
) -> tuple[list[tuple[float, float]], list[Answer]]:
    """Seconds of both sides in each pair, and what the first process of each said of its first run.

    A process takes a turn that is not counted and one that is; who goes first alternates.
    """
    seconds: list[list[float]] = [[], []]
    firsts: list[Answer] = []
    for k in range(pairs * PROCESSES):
        if k % PROCESSES == 0:
            say(k // PROCESSES + 1)
        with ExitStack() as open_until_here:
            sides = [open_until_here.enter_context(start()) for start in starts]
            firsts = firsts or [side.first for side in sides]
            order = (0, 1) if k % 2 == 0 else (1, 0)
            for side in order:
                sides[side].seconds()
            for side in order:
                seconds[side].append(sides[side].seconds())
    ours, theirs = ([min(each[k : k + PROCESSES]) for k in range(0, len(each), PROCESSES)] for each in seconds)
    return list(zip(ours, theirs, strict=True)), firsts
