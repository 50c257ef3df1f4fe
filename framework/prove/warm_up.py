"""Warm-up: let the data begin later, and demand the same decisions once the strategy had time to learn.

A strategy and four copies run over one account (see `shadow`): the copies' data begin later, the more the higher their number. A
decision of a copy counts from where the copy is in step in that instrument: both decided the same, the account was flat without
orders, or the strategy decided three times more. Until then the copy lacks what only a past trade could have told it, a stop for
instance, and that is no lack of history.

The last third of the bars after the strategy's first decision is judged: there every decision that counts must be the same.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from framework.engine.view import View
from framework.prove.shadow import Copy, Intent, Shadowed
from framework.prove.subject import BuildError
from framework.prove.trial import Events, Progress, Trial, decisions, market_stamps, with_events
from framework.prove.verdict import Datum, Difference, Verdict, first_difference, iso
from framework.schema.event import Kind

NAME = "warm_up"
TOLERANCE = 1e-6
"""Relative; weights and quantities nearer than this are one decision: what decays, like an exponential mean, never dies out."""

_PARTS = ((12, 1), (6, 2), (4, 3), (3, 5))
"""Shares of the bars after the first decision that the copies lack, and some bars more: a rhythm must not hide in round numbers."""
_FEWEST_BARS = 30
_IN_STEP_AFTER = 3


@dataclass
class _Ledger:
    """What one copy did."""

    in_step: set[str] = field(default_factory=set)
    missed: Counter[str] = field(default_factory=Counter)
    differences: list[tuple[int, str, list[Intent], list[Intent]]] = field(default_factory=list)
    compared: list[int] = field(default_factory=list)


def check(trial: Trial, base: Events, progress: Progress) -> Verdict:
    """Run the strategy with its copies once and compare."""
    progress(NAME, 0, 1)
    trial = trial.at_local_stamps()
    decided, stamps = decisions(base), market_stamps(trial.tape)
    if not len(decided):
        return Verdict(NAME, None, "it decided nothing, so there is nothing to compare")
    first = int(np.searchsorted(stamps, decided["ts_local_ns"][0]))
    room = len(stamps) - first
    if room < _FEWEST_BARS:
        return Verdict(NAME, None, f"{room} bars follow its first decision; {_FEWEST_BARS} are needed")
    outside = trial.subject.outside_data()
    if outside:
        return Verdict(NAME, None, f"it holds data that no later start shortens ({', '.join(outside)}); build it from frames")
    begins = [room // part + odd for part, odd in _PARTS]
    judged_ns = int(stamps[first + 2 * room // 3])
    ledgers = [_Ledger() for _ in begins]
    try:
        copies = [_copy(trial, int(stamps[begin])) for begin in begins]
    except BuildError as error:
        return Verdict(NAME, None, f"it cannot be built from later data: {error}")
    strategy = trial.subject.build(trial.frames(trial.tape), in_python=True)

    def compare(view: View, notes: Sequence[Intent], answers: Sequence[Sequence[Intent] | None]) -> None:
        for ledger, answer in zip(ledgers, answers, strict=True):
            if answer is not None:
                _compare(ledger, view, notes, answer)

    beside = trial.records(Shadowed.like(strategy)(strategy, copies, compare), trial.tape)
    if first_difference(base, beside, trial.tape.instruments, "") is not None:
        return Verdict(
            NAME, None, "it decides otherwise beside copies of itself: it keeps state in its class or module, or is not repeatable"
        )
    if any(copy.is_lost for copy in copies):
        words = "it remembers its orders by their ids, and one that begins later made others"
        return Verdict(NAME, None, f"{words}: what follows from them cannot be told from a lack of history")
    return _verdict(stamps.tolist(), begins, ledgers, judged_ns)


def _copy(trial: Trial, start_ns: int) -> Copy:
    """The strategy as it would be if the data began at a stamp."""
    events = trial.tape.events
    later = with_events(trial.tape, events[(events["ts_local_ns"] >= start_ns) | (events["kind"] == Kind.SESSION)])
    before = events[(events["ts_local_ns"] < start_ns) & (events["kind"] == Kind.BAR)]
    hidden = np.bincount(before["instrument"], minlength=len(trial.tape.instruments)).astype(np.int64)
    return Copy(trial.subject.build(trial.frames(later), in_python=True), start_ns, hidden, len(hidden))


def _compare(ledger: _Ledger, view: View, notes: Sequence[Intent], answer: Sequence[Intent]) -> None:
    now = view.now_ns
    for symbol in sorted({intent[1] for intent in (*notes, *answer)}):
        mine = [intent for intent in notes if intent[1] == symbol]
        its = [intent for intent in answer if intent[1] == symbol]
        if _same(mine, its):
            ledger.in_step.add(symbol)
            ledger.compared.append(now)
            continue
        if symbol not in ledger.in_step and _is_flat(view, symbol, is_idle=not mine):
            ledger.in_step.add(symbol)
        if symbol in ledger.in_step:
            ledger.compared.append(now)
            ledger.differences.append((now, symbol, mine, its))
        elif mine:
            ledger.missed[symbol] += 1
            if ledger.missed[symbol] >= _IN_STEP_AFTER:
                ledger.in_step.add(symbol)


def _is_flat(view: View, symbol: str, *, is_idle: bool) -> bool:
    """Whether the account holds nothing of an instrument and, where the strategy just ordered nothing in it, has no order working.

    An error of `on_bars` or `on_timer` belongs to no instrument, and counts.
    """
    if not symbol:
        return True
    return view.position(symbol) == 0.0 and not (is_idle and view.working_orders(symbol))


def _same(one: Sequence[Intent], other: Sequence[Intent]) -> bool:
    return len(one) == len(other) and all(
        a[0] == b[0] and len(a[2]) == len(b[2]) and all(_near(x, y) for x, y in zip(a[2], b[2], strict=True))
        for a, b in zip(one, other, strict=True)
    )


def _near(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-12) or (math.isnan(one) and math.isnan(other))
    return one == other


def _verdict(stamps: list[int], begins: list[int], ledgers: list[_Ledger], judged_ns: int) -> Verdict:
    number = {stamp: at for at, stamp in enumerate(stamps)}
    failed: list[tuple[int, Difference]] = []
    needed = compared = 0
    for begin, ledger in zip(begins, ledgers, strict=True):
        compared += sum(stamp >= judged_ns for stamp in ledger.compared)
        for stamp, symbol, mine, its in ledger.differences:
            if stamp >= judged_ns:
                words = f"the data began {begin} bars later"
                datum = Datum(iso(stamps[begin]), symbol, "the history before it", None, None, alone=True)
                failed.append((stamp, Difference(iso(stamp), symbol, _words(mine), _words(its), words, datum)))
                break
            at = number.get(stamp, int(np.searchsorted(stamps, stamp)))
            needed = max(needed, at - begin + 1)
    if failed:
        worst = min(failed, key=lambda pair: pair[0])
        spare = int(np.searchsorted(stamps, judged_ns)) - max(begins)
        return Verdict(NAME, False, f"decisions depend on where the data begin, even after {spare} bars", worst[1])
    if not compared:
        return Verdict(NAME, None, f"no decision after {iso(judged_ns)} to compare")
    return Verdict(NAME, True, f"needs {needed} bars of warm-up, by what was seen; {compared} later decisions agree")


def _words(intents: Sequence[Intent]) -> str:
    return (
        "; ".join(f"{word} {', '.join(f'{x:g}' if isinstance(x, float) else str(x) for x in rest)}" for word, _, rest in intents)
        or "nothing"
    )
