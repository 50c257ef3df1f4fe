"""One tree of errors, ordered by who must act.

    OneTapeError
    ├── InputError          fix the input: the message names place, value, rule and way out
    │   ├── DataError       a file or frame that cannot be trusted
    │   └── ConfigError     a setting that cannot be right
    ├── StrategyError       fix the strategy: one of its hooks raised
    ├── ReplayMismatch      stop: a replay decided differently from its record
    ├── WorkerLost          run again: a process of a sweep ended before its work
    ├── StoreLost           try again: a store of ticks did not answer
    └── KernelError         stop and report: the kernel broke its own rules

A refused order is not an error: it is a value with a reason (`framework.schema.order.Refused`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any

_LONG_WORD = re.compile(r"\S{600,}")


class OneTapeError(Exception):
    """Root of every error this software raises on purpose.

    Attributes:
        result: what leaves `backtest` after its run has begun has the run up to there, a `Result`; else None.
    """

    result: Any = None


class InputError(OneTapeError):
    """Something given to us is wrong; the message says what, where and what to do.

    A value of thousands of characters without a space, as damaged files hold, is shown up to its hundredth.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_LONG_WORD.sub(lambda found: f"{found[0][:100]}...", message))


class DataError(InputError):
    """Market data that cannot be trusted."""


class ConfigError(InputError):
    """A setting that cannot be right."""


class StrategyError(OneTapeError):
    """A hook of the user's strategy raised; the message names strategy, hook and event."""


class ReplayMismatch(OneTapeError):
    """A replay issued other commands than the record holds; the message names the first difference."""


class WorkerLost(OneTapeError):
    """A process of a sweep ended before its work was done; what is done is kept where the sweep writes to a file."""


class StoreLost(OneTapeError):
    """A store of ticks did not answer; repeating the call is safe, whether or not the first one went through."""


class KernelError(OneTapeError):
    """The kernel broke one of its own rules. This is a defect of ours, never of the user."""


_LONGEST_NAME, _MOST_CANDIDATES = 80, 2_000
"""Of a message: what is longer is cut, and is compared with no more names, which would take long."""


def some_of(names: Sequence[str], between: str = ", ", most: int = 12) -> str:
    """The first few names, and how many more there are.

    >>> some_of(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = between.join(name[:_LONGEST_NAME] for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def did_you_mean(word: str, known: Iterable[str], limit: int = 3) -> str:
    """Return a sentence naming the known words nearest to `word`, or all of them if they are few.

    >>> did_you_mean("AAPLE", ["AAPL", "IBM"])
    'Did you mean AAPL? Known: AAPL, IBM.'
    """
    names = sorted(known)
    word, candidates = word[:_LONGEST_NAME], names[:_MOST_CANDIDATES]
    near = difflib.get_close_matches(word, candidates, n=limit, cutoff=0.5)
    if not near:
        folded = {name.lower(): name for name in candidates}
        near = [folded[m] for m in difflib.get_close_matches(word.lower(), folded, n=limit, cutoff=0.5)]
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return f"{hint}Known: {some_of(names)}." if names else "None are known."
