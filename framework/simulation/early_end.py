"""What is left of a run that raised or was interrupted: its tables and its audit up to there, at the error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from framework.engine.audit import Audit
from framework.errors import OneTapeError
from framework.kernel.halves import Trader
from framework.reports.result import Result


def attach_result(error: BaseException, trader: Trader, audit: Audit, made: Callable[[str], Result]) -> None:
    """Give an error the attribute `result`, the run up to there, and say so in a note of it.

    Args:
        error: whatever left the run.
        trader, audit: of the run, after it was closed.
        made: makes the result, told why it ended early.
    """
    now_ns = int(trader.record["now_ns"][0])
    stamp = f"at {np.datetime64(now_ns, 'ns')}Z" if now_ns else "before the first event"
    audit.end_early(f"{type(error).__name__} {stamp}")  # without the text of the error, which may name addresses in memory
    why = f"Ended early {stamp}, {_words(error)}. What is shown is only the part of the run before it."
    if trader.record["broken"][0]:
        why += f" The kernel was broken: {trader.alive():,} orders stand as they were last known."
    try:
        error.result = made(why)  # type: ignore[attr-defined]  # declared by our own errors; others take it too
    except (OneTapeError, MemoryError, AttributeError) as second:
        error.add_note(f"there is no result of the run up to there: {type(second).__name__}: {second}")
        return
    error.add_note("the run up to there is the attribute `result` of this error")


def _words(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}".rstrip(".: ") if text else type(error).__name__
