"""An engine's process that is kept alive and runs its workload when it is asked, so that two can be timed in turn."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from framework.bench.engines import Contender
from framework.bench.measure import Answer, Skipped, command_of, last_words, variables_of
from framework.bench.peers.harness import SAYS


class Lost(Exception):
    """An engine's process has ended; the message says why."""


class Turns:
    """A process that waits for its turns. It uses no processor while it waits.

    Args:
        entry: who runs, and how.
        folder: of the workload.
        environment: changes to the variables of this process.

    Attributes:
        first: what its first run, which is not timed, came to: `version`, `equity` and `events`.

    Raises:
        Lost: it is not installed, or it failed before its first turn.
    """

    first: Answer

    def __init__(self, contender: Contender, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        command = command_of(contender, folder)
        if isinstance(command, Skipped):
            raise Lost(command.reason)
        self._errors = (folder / "errors.txt").open("w+")
        self._process = subprocess.Popen(
            [*command, "--turns"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=variables_of(contender, folder, environment),
        )
        self.first = self._answer()

    def seconds(self) -> float:
        """Let it run for a turn; the seconds of its fastest run."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._lost() from error
        return float(self._answer()["seconds"])

    def __enter__(self) -> Turns:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate()  # closes its input, which ends it
        self._errors.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(SAYS):
                answer: dict[str, Any] = json.loads(line.removeprefix(SAYS))
                return answer
        raise self._lost()

    def _lost(self) -> Lost:
        self._process.communicate()
        self._errors.seek(0)
        lost = Lost(f"failed: {last_words(self._errors.read(), self._process.returncode)}")
        self._errors.close()
        return lost
