"""Books of several instruments made side by side, in parts that need bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from framework.data.synthetic import kernels
from framework.data.synthetic.draws import VENUE, check_symbols, note
from framework.data.tape.event_arrays import joined
from framework.data.tape.parts import interval_of
from framework.data.tape.recording import Events, Recording
from framework.errors import InputError
from framework.schema.event import EVENT
from framework.schema.instrument import Instrument
from framework.schema.units import NANOSECONDS_PER_SECOND, Step

PART_ROWS = 500_000
"""About so many events in a part."""


@dataclass(frozen=True, slots=True)
class Market:
    """What the books of any model have in common.

    Attributes:
        symbols: one book each, independent of one another.
        start: ISO 8601, UTC: the stamp of the snapshot.
        duration: of the recording, such as "1h".
        seed: of every draw.
        start_ticks: the best bid at the start.
        tick_size, lot_size: of every instrument.
        mean_lots: of an order, at least 1; sizes are 1 plus a geometric number.
        latency_ns, jitter_ns: how much later a message is known than it happened: at least, and the mean of an exponential delay on
            top. Messages never overtake each other.
    """

    symbols: tuple[str, ...] = ("SYN",)
    start: str = "2024-01-02T00:00"
    duration: str = "1h"
    seed: int = 0
    start_ticks: int = 10_000
    tick_size: float | str = 0.01
    lot_size: float | str = 1
    mean_lots: float = 5.0
    latency_ns: int = 0
    jitter_ns: float = 0.0

    def __post_init__(self) -> None:
        check_symbols(self.symbols)
        if not (self.mean_lots >= 1 and self.latency_ns >= 0 and self.jitter_ns >= 0 and self.start_ticks >= 1):
            raise InputError(f"{self}; rule: mean_lots >= 1, start_ticks >= 1, latency_ns and jitter_ns >= 0.")

    @property
    def start_ns(self) -> int:
        """`start` in nanoseconds."""
        return int(np.datetime64(self.start, "ns").astype(np.int64))

    @property
    def seconds(self) -> float:
        """`duration` in seconds."""
        return interval_of(self.duration, divides_day=False) / NANOSECONDS_PER_SECOND

    def instruments(self) -> tuple[Instrument, ...]:
        """What the books are of."""
        tick, lot = Step.of(self.tick_size), Step.of(self.lot_size)
        return tuple(Instrument(symbol, tick=tick, lot=lot, venue=VENUE) for symbol in self.symbols)

    def state(self, number: int) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        """The record that the generator of one book begins with."""
        state = np.zeros(1, kernels.STATE)
        one = state[0]
        one["start_ns"], one["base_ticks"], one["instrument"] = self.start_ns, self.start_ticks, number
        one["latency_ns"], one["jitter_ns"], one["mean_lots"] = self.latency_ns, self.jitter_ns, self.mean_lots
        return state


class Book(Protocol):
    """One book in the making."""

    def start(self) -> Events:
        """The snapshot."""

    def until(self, seconds: float) -> Events:
        """The messages before a time since the start, from where the last call ended."""


def recording(market: Market, model: str, make: Callable[[int], Book], rows_a_second: float, part_seconds: float | None) -> Recording:
    """Merge books by their local stamps.

    Args:
        make: makes the book of a symbol, by its position.
        rows_a_second: expected of one book, for the length of parts.
        part_seconds: that length, where it is set; the events do not depend on it.
    """
    span = part_seconds or max(PART_ROWS / (rows_a_second * len(market.symbols)), 1.0)

    def parts() -> Iterator[Events]:
        books = [make(number) for number in range(len(market.symbols))]
        late, horizon = [book.start() for book in books], 0.0
        while horizon < market.seconds:
            horizon = min(horizon + span, market.seconds)
            events = _in_order([*late, *(book.until(horizon) for book in books)])
            # what comes later happens at or after the horizon, so is known after it
            known = int(np.searchsorted(events["ts_local_ns"], market.start_ns + int(horizon * 1e9)))
            known = len(events) if horizon >= market.seconds else known
            late = [events[known:]]
            if known:
                yield events[:known]

    return Recording(market.instruments(), parts, f"synthetic {model}", (note(model, market.seed),))


def _in_order(pieces: Sequence[Events]) -> Events:
    events = joined(pieces) if pieces else np.zeros(0, EVENT)
    stamps = events["ts_local_ns"]
    return events if (stamps[1:] >= stamps[:-1]).all() else events[np.argsort(stamps, kind="stable")]
