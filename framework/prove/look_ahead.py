"""Look-ahead: change everything after a stamp, run again, and demand the same decisions up to and including that stamp.

After means: could be known after, by the local stamp. Where the feed is late, a trade or a book may have happened at the venue by then
without our knowing. The venue of a changed run still sees it as it was, and only what we are told of it is changed: a decision may
depend on what was told up to then and on what the venue, which saw more, has answered, on nothing else. What happened at the venue
after the stamp is changed for both.

A leak that reaches far ahead shows at any cut; one that reaches a bar or a few shows only where the cut lies right behind a decision
that it made. So many cuts with few kinds of change find more than few cuts with many: at each cut all is raised, then lowered, then
changed in one further way, another one from cut to cut.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from framework.data.tape import Tape
from framework.data.tape.survey import survey
from framework.errors import StrategyError
from framework.prove.culprit import find, find_truncated
from framework.prove.perturb import TRUNCATED, changed, kinds_of, truncated
from framework.prove.subject import BuildError
from framework.prove.trial import Events, Progress, Trial, decisions, is_tick, market_stamps, with_events
from framework.prove.verdict import Difference, Verdict, first_difference, iso, without_ids
from framework.schema.event import NO_INSTRUMENT, Kind

NAME = "look_ahead"
_LAST = 4
_ALWAYS = ("raised", "lowered")


def check(trial: Trial, base: Events, progress: Progress) -> Verdict:
    """Try three kinds of change at every cut; stop at the first difference and look for the datum behind it."""
    trial = trial.at_local_stamps()
    cuts = choose_cuts(trial, decisions(base))
    in_turn = (*(kind for kind in kinds_of(trial.tape.events) if kind not in _ALWAYS), "truncated")
    if not len(cuts):
        return Verdict(NAME, None, "the data hold fewer than two stamps, so nothing lies ahead")
    runs, skipped, said, total = 0, 0, "", len(cuts) * (len(_ALWAYS) + 1)
    for number, cut in enumerate(cuts.tolist()):
        for kind in (*_ALWAYS, in_turn[number % len(in_turn)]):
            progress(NAME, runs, total)
            runs += 1
            try:
                found = _try(trial, base, cut, kind, number)
            except BuildError as error:
                skipped, said = skipped + 1, str(error)
                continue
            if found is not None:
                return Verdict(NAME, False, f"run {runs}, everything after {iso(cut)} changed", found)
    return _verdict(trial, base, cuts, runs, skipped, said)


def _verdict(trial: Trial, base: Events, cuts: NDArray[np.int64], runs: int, skipped: int, said: str) -> Verdict:
    if skipped == runs:
        return Verdict(NAME, None, f"it could be built from no changed data: {said}")
    if not len(decisions(base)):
        return Verdict(NAME, None, "it decided nothing, so there is nothing to compare")
    outside = trial.subject.outside_data()
    if outside:
        words = "holds data that changes of the tape do not reach"
        way = "build it from frames by a classmethod from_data, or give a function of frames"
        return Verdict(NAME, None, f"it {words} ({', '.join(outside)}); {way}")
    note = f"{runs - skipped} runs at {len(cuts)} cuts decided the same"
    return Verdict(NAME, True, note + (f"; {skipped} could not be built ({said})" if skipped else ""))


def choose_cuts(trial: Trial, decided: Events) -> NDArray[np.int64]:
    """Where to cut: stamps with decisions, one from each of `points` parts of the run; the last few; stamps without a decision.

    A leak of one bar shows only where the cut lies right behind the decision, hence decision stamps; what a leak keeps from being
    decided shows only at the others.
    """
    draw = np.random.default_rng([trial.settings.seed, 0])
    stamps = market_stamps(trial.tape)[:-1]
    if not len(stamps):
        return stamps
    deciding = np.unique(decided["ts_local_ns"])
    deciding = deciding[deciding < market_stamps(trial.tape)[-1]]
    chosen = [*_one_of_each(deciding, trial.points, draw), *deciding[-_LAST:].tolist()]
    chosen += _one_of_each(stamps, max(trial.points // 2, 1), draw)
    return np.unique(np.array(chosen, np.int64))


def _one_of_each(stamps: NDArray[np.int64], parts: int, draw: np.random.Generator) -> list[int]:
    return [int(draw.choice(part)) for part in np.array_split(stamps, parts) if len(part)]


def _try(trial: Trial, base: Events, cut: int, kind: str, number: int) -> Difference | None:
    expected = decisions(base, cut)
    if kind == "truncated":
        found = _run(trial, truncated(trial.tape.events, cut), cut)
        change = TRUNCATED
    else:
        kinds = kinds_of(trial.tape.events)
        events = changed(trial.tape.events, cut, kind, (trial.settings.seed, number, list(kinds).index(kind)))
        found = _run(trial, events, cut)
        change = kinds[kind]
    if isinstance(found, StrategyError):
        return Difference(iso(cut), "", "a run without error", f"an error ({found})", change)
    pair = first_difference(expected, decisions(found, cut), trial.tape.instruments, change)
    if pair is None:
        return None
    stamp, difference = pair

    number = next((i for i, one in enumerate(trial.tape.instruments) if one.symbol == difference.instrument), NO_INSTRUMENT)
    known = decisions(base, stamp)
    whole = without_ids(known, number) == without_ids(decisions(found, stamp), number)  # then only the order of decisions differs

    def differs(other: Events) -> bool:
        try:
            again = _run(trial, other, cut)
        except BuildError:
            return False
        if isinstance(again, StrategyError):
            return True
        made = decisions(again, stamp)
        return known.tobytes() != made.tobytes() if whole else without_ids(known, number) != without_ids(made, number)

    datum = find_truncated(trial.tape, cut, differs) if kind == "truncated" else find(trial.tape, events, differs)
    return replace(difference, datum=datum)


def _run(trial: Trial, events: Events, cut: int) -> Events | StrategyError:
    """The records; where a hook raises after the cut, those up to the cut; the error where it raises before."""
    tape = with_events(trial.tape, events)
    frames = trial.frames(tape)
    try:
        return trial.run(tape, frames=frames, seen=_seen(trial, events, cut))
    except BuildError:
        raise
    except StrategyError:
        known = truncated(events, cut)
    try:
        return trial.run(with_events(trial.tape, known), frames=frames, seen=_seen(trial, known, cut))
    except StrategyError as error:
        return error


def _seen(trial: Trial, events: Events, cut: int) -> Tape | None:
    """What the venue of a late feed sees beside such events: what happened there up to the cut stays as it was.

    `events` are the tape's with other values, or without the last ones.
    """
    if not survey(trial.tape).is_late:
        return None
    base = trial.tape.events
    happened = is_tick(base) & (base["ts_venue_ns"] <= cut)
    if len(events) == len(base):
        made = events.copy()
        made[happened] = base[happened]
    else:
        known_ns = events["ts_local_ns"][events["kind"] != Kind.SESSION].max(initial=cut)
        is_known = (base["ts_local_ns"] <= known_ns) | (base["kind"] == Kind.SESSION)
        made = base[is_known | happened]
    return with_events(trial.tape, made)
