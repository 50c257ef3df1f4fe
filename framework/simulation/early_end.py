"""What is left of a run that raised or was interrupted: its tables and its audit up to there, at the error."""

from __future__ import annotations

from collections.abc import Callable

from framework.engine.audit import Audit
from framework.errors import OneTapeError
from framework.kernel.trader.trader import Trader
from framework.reports.result import Result


def attach_result(error: BaseException, trader: Trader, audit: Audit, made: Callable[[str], Result]) -> None:
    """Give an error the attribute `result`, the run up to there, and say so in a note of it.

    Args:
        error: whatever left the run.
        trader, audit: of the run, after it was closed.
        made: makes the result, told why it ended early.
    """
    text = (str(error).strip().splitlines() or [""])[0].rstrip(".: ")
    where = audit.ended_early or f"{type(error).__name__} before the first event"
    why = f"Ended early: {where}{': ' if text else ''}{text}. What is shown is only the part of the run before it."
    if trader.record["broken"][0]:
        why += f" It broke off in the middle of an event: {_alive(trader):,} orders stand as they were last known."
    try:
        error.result = made(why)  # type: ignore[attr-defined]  # declared by our own errors; others take it too
    except (OneTapeError, MemoryError, AttributeError) as second:
        error.add_note(f"there is no result of the run up to there: {type(second).__name__}: {second}")
        return
    error.add_note("the run up to there is the attribute `result` of this error")


def _alive(trader: Trader) -> int:
    """How many orders have not ended."""
    return len(trader.living_orders())
