"""What a trader half takes in where no exchange half answers, as Python owns it; the loop is `framework.kernel.loops.take_in`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.kernel.layout.half import words_of
from framework.kernel.layout.roots import INBOX
from framework.schema.event import EVENT, NO_INSTRUMENT, Kind

Events = NDArray[np.void]

_WORD = words_of(INBOX)
_FEWEST_ANSWERS = 256


class TakenIn:
    """A market's events, and beside them what venues answer, each in the order in which it came.

    It reads a tape as it is fed (`TapeReader`), and is handed answers. `of_record` makes one of a run that is over.

    Attributes:
        address: of the inbox, for `take_in`.
    """

    def __init__(self) -> None:
        self._record = np.zeros(1, dtype=INBOX)
        self._words: memoryview[int] = memoryview(self._record.view(np.int64))  # type: ignore[arg-type]
        self.address: int = self._record.ctypes.data
        self._tape: Events = np.zeros(0, dtype=EVENT)
        self._answers: Events = np.zeros(_FEWEST_ANSWERS, dtype=EVENT)
        self._words[_WORD["answers"]] = self._answers.ctypes.data
        self._noted = 0

    @classmethod
    def of_record(cls, tape: Events, records: Events) -> TakenIn:
        """A run that is over: its tape, and its whole audit in place of the answers."""
        made = cls()
        made.open_tape(tape)
        made.extend_tape(len(tape), 0)
        made.end_tape()
        made._answers = records
        made._words[_WORD["answers"]], made._words[_WORD["answers_count"]] = records.ctypes.data, len(records)
        made._words[_WORD["is_record"]] = 1
        return made

    @property
    def at(self) -> int:
        """The next of the answers."""
        return self._words[_WORD["at"]]

    def take_in_the_end(self) -> None:
        """From now on take in also what happened after the strategy's last hook."""
        self._words[_WORD["is_final"]] = 1

    def open_tape(self, memory: Events) -> None:
        """The tape goes on in this memory; all events before it are applied."""
        words = self._words
        words[_WORD["tape_start"]] += words[_WORD["tape_count"]]
        words[_WORD["tape"]], words[_WORD["tape_count"]] = memory.ctypes.data, 0
        self._tape = memory

    def extend_tape(self, count: int, safe_ns: int) -> None:
        """So many events stand in the memory, and nothing else will come up to a stamp."""
        self._words[_WORD["tape_count"]], self._words[_WORD["safe_ns"]] = count, safe_ns

    def end_tape(self) -> None:
        """Nothing comes after what there is, of the tape and of answers."""
        self._words[_WORD["is_last"]] = 1

    def answer(self, events: Events, *, after: int) -> None:
        """Add what a venue answers, dtype EVENT with kinds from ORDER_ACCEPTED on; `after`: how many events of the tape came before."""
        words = self._words
        if words[_WORD["at"]] == words[_WORD["answers_count"]]:
            words[_WORD["at"]], words[_WORD["answers_count"]] = 0, 0
        if after > self._noted:
            note = np.zeros(1, dtype=EVENT)
            note["kind"], note["instrument"], note["w0"], note["w1"] = Kind.TAPE, NO_INSTRUMENT, self._noted, after
            self._add(note)
            self._noted = after
        self._add(events)

    def _add(self, events: Events) -> None:
        count = self._words[_WORD["answers_count"]]
        if count + len(events) > len(self._answers):
            larger = np.zeros(2 * (count + len(events)), dtype=EVENT)
            larger[:count] = self._answers[:count]
            self._answers = larger
            self._words[_WORD["answers"]] = larger.ctypes.data
        self._answers[count : count + len(events)] = events
        self._words[_WORD["answers_count"]] = count + len(events)
