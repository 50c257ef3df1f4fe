"""A run of the benchmark beside an earlier one, whose rows `--json` saved: what of ours got slower, beyond noise.

What is compared is the fastest of a row's runs. The machine may have been faster then: where both runs have the hand-written loop of a
workload, all of its rows are measured by that loop's pace.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework.bench.measure import Row
from framework.errors import InputError

LEAST_NOISE, NOISE_OF_ONE = 0.10, 0.25
"""By how much a row is slower at least before it is named, and where a row is a single run."""

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Change:
    """One row of ours, then and now.

    Attributes:
        before_seconds, seconds: of the fastest run.
        ratio: seconds now over then, by the pace of the hand-written loop; above 1 it got slower.
        limit: the ratio up to which it may be noise.
    """

    workload: str
    mode: str
    before_seconds: float
    seconds: float
    ratio: float
    limit: float

    @property
    def is_slower(self) -> bool:
        """Whether it got slower by more than noise."""
        return self.ratio > self.limit


def saved(place: str) -> list[Row]:
    """The rows of a file that `--json` wrote.

    Raises:
        InputError: there is no such file, or it holds something else.
    """
    way_out = "Give a file that `onetape bench --json FILE` wrote"
    try:
        found: list[dict[str, Any]] = json.loads(Path(place).read_text())
        return [Row(**row) for row in found]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"--against {place}: {error}. {way_out}, or compare with something that runs now: add --pairs 15.") from error


def changes(before: Sequence[Row], now: Sequence[Row], place: str) -> list[Change]:
    """Each row of ours that was measured in both runs.

    Raises:
        InputError: no row is in both, or one had other work to do.
    """
    then, rows = {_key(row): row for row in before if row.seconds}, [row for row in now if row.seconds]
    pace = {row.workload: row.seconds / then[_key(row)].seconds for row in rows if row.engine == "hand_loop" and _key(row) in then}  # type: ignore[operator]
    found = []
    for row in rows:
        if row.engine != "onetape" or _key(row) not in then:
            continue
        earlier = then[_key(row)]
        if earlier.events != row.events:
            raise InputError(
                f"--against {place}: {row.workload}, {row.mode} had {earlier.events:,} events, now {row.events:,}; rule: the same work. "
                "Measure both with --small or both without."
            )
        assert row.seconds is not None and earlier.seconds is not None
        spreads = (earlier.spread, row.spread)
        noise = NOISE_OF_ONE if None in spreads else max(LEAST_NOISE, sum(spread or 0.0 for spread in spreads))
        ratio = row.seconds / earlier.seconds / pace.get(row.workload, 1.0)
        found.append(Change(row.workload, row.mode, earlier.seconds, row.seconds, ratio, 1.0 + noise))
    if not found:
        raise InputError(f"--against {place}: it has no row of ours that was measured now. Name its workloads: onetape bench W1 W2.")
    return found


def _key(row: Row) -> Key:
    return row.workload, row.engine, row.mode
