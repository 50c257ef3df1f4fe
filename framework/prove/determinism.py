"""Determinism: the same run once more here, and in other processes where hashes of text come out differently."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from framework.data.store.own_folder import own_folder
from framework.errors import StrategyError
from framework.prove.trial import Events, Progress, Trial
from framework.prove.verdict import Verdict, first_difference

NAME = "determinism"
_HASH_SEEDS = ("1", "4242")

_START = "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); from framework.prove.child import main; main(*sys.argv[1:])"
"""How another process starts: it finds modules where this one does, and none in the folder where the command happens to run."""


def check(trial: Trial, base: Events, progress: Progress) -> Verdict:
    """Compare every record of a second run here and of one in each of two other processes."""
    progress(NAME, 0, 1 + len(_HASH_SEEDS))
    pair = first_difference(base, trial.run(), trial.tape.instruments, "the same run was made again in this process")
    if pair is not None:
        return Verdict(NAME, False, "two runs in one process differ", pair[1])
    progress(NAME, 1, 1 + len(_HASH_SEEDS))
    try:
        payload = pickle.dumps(trial)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        return Verdict(NAME, None, f"the same again in this process; another cannot build the strategy ({error}): put it in a module")
    if _lives_in_main(trial):
        return Verdict(NAME, None, "the same again in this process; another cannot import from __main__: put the strategy in a module")
    for seed, found in zip(_HASH_SEEDS, _elsewhere(payload), strict=True):
        pair = first_difference(base, found, trial.tape.instruments, f"it ran in another process with PYTHONHASHSEED={seed}")
        if pair is not None:
            return Verdict(NAME, False, "the process changes the run: look for sets, hashes, clocks, unseeded chance", pair[1])
    return Verdict(NAME, True, f"all {len(base)} records are the same again and in {len(_HASH_SEEDS)} other processes")


def _lives_in_main(trial: Trial) -> bool:
    source = trial.subject.source
    return "__main__" in (type(source).__module__, getattr(source, "__module__", ""))


def _elsewhere(payload: bytes) -> Sequence[Events]:
    """The records of the same trial in other processes; they are ended where this one is interrupted."""
    with tempfile.TemporaryDirectory(dir=own_folder()) as folder:
        asked = Path(folder) / "trial.pickle"
        asked.write_bytes(payload)
        answers = [Path(folder) / f"records-{seed}.npy" for seed in _HASH_SEEDS]
        children = [
            subprocess.Popen(
                [sys.executable, "-P", "-c", _START, json.dumps(sys.path), str(asked), str(answer)],
                env={**os.environ, "PYTHONHASHSEED": seed},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            for seed, answer in zip(_HASH_SEEDS, answers, strict=True)
        ]
        try:
            said = [child.communicate()[1].decode(errors="replace") for child in children]
        finally:
            for child in children:
                child.kill()
                child.wait()
        for child, words in zip(children, said, strict=True):
            if child.returncode:
                raise StrategyError(f"the strategy runs here but not in another process: {words.strip().splitlines()[-1:] or words}")
        return [np.load(answer) for answer in answers]
