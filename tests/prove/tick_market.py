"""Made-up books for the proofs: by order and by level, told at once and late; quotes and trades without a book."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from framework.data.synthetic.queue_reactive import queue_reactive_book
from framework.data.synthetic.streams import Market
from framework.data.tape import Tape, build
from framework.data.tape.recording import Recording
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument

MILLISECOND = 1_000_000
START_NS = 1_704_239_970_000_000_000  # 2024-01-02 23:59:30 UTC
SHORT = {"allow_short": True}
LATE = {"entry_ns": 5 * MILLISECOND, "response_ns": 5 * MILLISECOND}


def by_order(*symbols: str, seconds: int = 25, latency_ms: int = 0, jitter_ms: float = 0.0, seed: int = 3) -> Tape:
    """Queue-reactive books, about 40 events a second and symbol. Late ones are told `latency_ms` or more after they happened."""
    market = Market(
        symbols=symbols or ("AAA", "BBB"),
        start="2024-01-02T23:59:30",
        duration=f"{seconds}s",
        seed=seed,
        latency_ns=latency_ms * MILLISECOND,
        jitter_ns=jitter_ms * MILLISECOND,
    )
    return queue_reactive_book(market).recording.tape()


def by_level(seed: int = 5, messages: int = 500) -> Tape:
    """One book by price of four levels a side around a mid that wanders, trades of both sides, a gap with a snapshot after it."""
    draw = np.random.default_rng(seed)
    rows: list[tuple[int, int, int, int, int]] = []
    middle = 10_000
    for k in range(messages):
        stamp = START_NS + k * 25 * MILLISECOND
        if k == 2 * messages // 3:
            rows.append((stamp, Kind.GAP, 0, 0, 0))
            continue
        if k == 0 or k == 2 * messages // 3 + 3:
            rows += _snapshot(stamp, middle, draw)
        elif draw.random() < 0.3:
            side, size = draw.choice([int(Flag.BUY), int(Flag.SELL)]), int(draw.integers(1, 9))
            rows.append((stamp, Kind.TRADE, int(side), middle + (2 if side == Flag.BUY else -2), size))
        else:
            middle += int(draw.integers(-1, 2))
            rows += _snapshot(stamp, middle, draw)
    made = np.zeros(len(rows), EVENT)
    for event, (stamp, kind, flags, price, size) in zip(made, rows, strict=True):
        event["ts_local_ns"] = event["ts_venue_ns"] = stamp
        event["kind"], event["flags"], event["w0"], event["w1"] = kind, flags, price, size
    return build({}, {"LEVELS": Instrument("LEVELS")}, extra=made, name="by level")


def _snapshot(stamp: int, middle: int, draw: np.random.Generator) -> list[tuple[int, int, int, int, int]]:
    both = [(Flag.BUY, middle - 2 - j) for j in range(4)] + [(Flag.SELL, middle + 2 + j) for j in range(4)]
    flags = [int(side | Flag.SNAPSHOT) for side, _ in both]
    flags[0] |= int(Flag.CLEAR)
    flags[-1] |= int(Flag.LAST)
    return [(stamp, Kind.DEPTH, flag, price, int(draw.integers(1, 20))) for flag, (_, price) in zip(flags, both, strict=True)]


def quoted(seed: int = 6, quotes: int = 300) -> Tape:
    """Quotes and trades of one instrument, without a book."""
    draw = np.random.default_rng(seed)
    made = np.zeros(2 * quotes, EVENT)
    made["ts_local_ns"] = made["ts_venue_ns"] = START_NS + np.arange(2 * quotes) * 40 * MILLISECOND
    middle = 10_000 + np.cumsum(draw.integers(-2, 3, quotes))
    made["kind"] = np.tile([Kind.QUOTE, Kind.TRADE], quotes)
    for word, away in (("w0", -1), ("w1", 1)):
        made[word][0::2] = middle + away
    for word in ("w2", "w3"):
        made[word][0::2] = draw.integers(1, 9, quotes)
    side = draw.choice([-1, 1], quotes)
    made["flags"][1::2] = np.where(side > 0, int(Flag.BUY), int(Flag.SELL))
    made["w0"][1::2], made["w1"][1::2] = middle + side, draw.integers(1, 5, quotes)
    return build({}, {"QUOTED": Instrument("QUOTED")}, extra=made, name="quoted")


def first(source: Recording, events: int) -> Tape:
    """The tape of the first events of a recording."""
    taken = source.events()[:events]
    return replace(source, parts=lambda: iter((taken,))).tape()
