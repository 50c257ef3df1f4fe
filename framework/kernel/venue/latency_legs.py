"""Latencies as Python hands them to the exchange half: a leg each for the decision, the way there and the way back."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from framework.kernel.layout.latency_records import CONSTANT, LATENCY_POINT, LEG, QUANTILES, RECORDED
from framework.kernel.machine.random import keyed_word
from framework.kernel.venue.varying_latency import SEND_ANSWER, SEND_COMMAND, delays_of

DECISION, ORDER_ENTRY, RESPONSE, FEED = 1, 2, 3, 4
"""Numbers of the legs in the keys of their draws: each has its own."""

_WORD = 1 << 64


@dataclass(frozen=True, eq=False)
class Leg:
    """How long one leg of the way takes; see `varying_latency.py`.

    Attributes:
        constant_ns: where there is neither of the following.
        quantiles_ns: of a distribution, at equally spaced probabilities from 0 to 1; two or more.
        recorded: (sent, delay) of recorded messages in ns, shape (n, 2), sent ascending, one or more.
    """

    constant_ns: int = 0
    quantiles_ns: NDArray[np.int64] | None = None
    recorded: NDArray[np.int64] | None = None
    points: NDArray[np.void] = field(init=False)

    def __post_init__(self) -> None:
        """Make the kernel's table."""
        made = np.zeros(0, dtype=LATENCY_POINT)
        if self.quantiles_ns is not None:
            made = np.zeros(len(self.quantiles_ns), dtype=LATENCY_POINT)
            made["delay_ns"] = self.quantiles_ns
        elif self.recorded is not None:
            made = np.zeros(len(self.recorded), dtype=LATENCY_POINT)
            made["at_ns"], made["delay_ns"] = self.recorded[:, 0], self.recorded[:, 1]
        object.__setattr__(self, "points", made)

    @property
    def varies(self) -> bool:
        """Whether it is not constant."""
        return bool(len(self.points))

    def lay(self, row: NDArray[np.void], number: int, seed: int) -> None:
        """Write the leg into the kernel's record, shape (1,). The leg must live as long as the record is used."""
        model = CONSTANT if not self.varies else QUANTILES if self.quantiles_ns is not None else RECORDED
        row["model"], row["constant_ns"] = model, self.constant_ns
        row["points"], row["points_count"] = self.points.ctypes.data, len(self.points)
        row["key"] = keyed_word(_signed(seed), number, 0)

    def delays(self, stamps_ns: NDArray[np.int64], who: int, number: int, seed: int) -> NDArray[np.int64]:
        """A delay for each stamp; messages of one stamp share theirs."""
        row, found = np.zeros(1, dtype=LEG), np.zeros(len(stamps_ns), dtype=np.int64)
        self.lay(row, number, seed)
        delays_of(row[0], stamps_ns, who, found)
        return found


@dataclass(frozen=True, eq=False)
class Latencies:
    """The legs between the strategy and the venue, and back.

    Attributes:
        decision, order_entry, response: the legs.
        keeps_order: no command overtakes another one; answers never do.
        seed: of the draws.
    """

    decision: Leg = field(default_factory=Leg)
    order_entry: Leg = field(default_factory=Leg)
    response: Leg = field(default_factory=Leg)
    keeps_order: bool = False
    seed: int = 0

    def lay(self, root: NDArray[np.void]) -> None:
        """Write the legs into an exchange half's root; they must live as long as it is used."""
        sends_vary, answers_vary = self.decision.varies or self.order_entry.varies, self.response.varies
        root["order_entry_latency_ns"] = -1 if sends_vary else self.decision.constant_ns + self.order_entry.constant_ns
        root["response_latency_ns"] = -1 if answers_vary else self.response.constant_ns
        root["keeps_order"] = int(self.keeps_order)
        if sends_vary:
            self.decision.lay(root["decision_leg"], DECISION, self.seed)
            self.order_entry.lay(root["order_entry_leg"], ORDER_ENTRY, self.seed)
            root["send_command"] = SEND_COMMAND.address
        if answers_vary:
            self.response.lay(root["response_leg"], RESPONSE, self.seed)
            root["send_answer"] = SEND_ANSWER.address


def symbol_key(symbol: str) -> int:
    """The word that an instrument has in the keys of draws: its symbol's CRC-32, whatever its number on the tape."""
    return zlib.crc32(symbol.encode())


def _signed(seed: int) -> int:
    """The low 64 bits of a seed as a signed word."""
    low = seed % _WORD
    return low - _WORD if low >= _WORD // 2 else low
