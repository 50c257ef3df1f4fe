"""Books of orders for tests: told line by line, made from a seed, and followed a second way with plain lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framework.schema.event import EVENT, Flag, Kind

START_NS = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
BUY, SELL, LAST = int(Flag.BUY), int(Flag.SELL), int(Flag.LAST)
NEW, DELETE, EXECUTE = 1, 3, 4
"""LOBSTER's types of messages."""

Row = tuple[float, Kind, int, int, int, int, int]


def order(at: float, side: int, price: int, lots: int, number: int, flags: int = LAST) -> Row:
    """An order as it stands after an event, `at` seconds after the start."""
    return (at, Kind.DEPTH, flags | side, price, lots, number, 0)


def trade(at: float, taker: int, price: int, lots: int, number: int = 0) -> Row:
    """A trade; `number` is the order that was hit, where the source says it."""
    return (at, Kind.TRADE, taker, price, lots, 0, number)


def gap(at: float) -> Row:
    return (at, Kind.GAP, 0, 0, 0, 0, 0)


def book(*orders: tuple[int, int, int, int]) -> list[Row]:
    """A snapshot at the start: side, price, lots, number."""
    rows = [order(0, side, price, lots, number, int(Flag.SNAPSHOT)) for side, price, lots, number in orders]
    rows[0] = (*rows[0][:2], rows[0][2] | int(Flag.CLEAR), *rows[0][3:])
    rows[-1] = (*rows[-1][:2], rows[-1][2] | LAST, *rows[-1][3:])
    return rows


def events(*rows: Row) -> NDArray[np.void]:
    made = np.zeros(len(rows), EVENT)
    for k, (at, kind, flags, price, lots, number, hit) in enumerate(rows):
        ns = START_NS + round(at * SECOND)
        made[k] = (ns, ns, kind, flags, 0, price, lots, number, hit, 0)
    return made


def seconds(stamp_ns: int) -> float:
    """Seconds after the start, -1 for a stamp of 0."""
    return (stamp_ns - START_NS) / SECOND if stamp_ns else -1.0


@dataclass
class Market:
    """One bid price and one offer, with orders of one lot that join, cancel and trade at random; LOBSTER's messages of it.

    `cancels` says which order of a line goes: "uniform" any of them, "back" one of the last three.
    """

    seed: int
    cancels: str = "uniform"
    messages: list[tuple[float, int, int, int, int, int]] = field(default_factory=list)

    def run(self, count: int) -> Market:
        random = np.random.default_rng(self.seed)
        lines: dict[int, list[int]] = {1: list(range(1, 31)), -1: list(range(31, 61))}
        at, number = 34_200.0, 61
        for one in range(1, 61):
            side = 1 if one <= 30 else -1
            self.messages.append((at, NEW, one, 1, 1_000_000 if side > 0 else 1_000_100, side))
        for _ in range(count):
            at += float(random.exponential(0.2))
            side = int(random.choice([1, -1]))
            line, price = lines[side], 1_000_000 if side > 0 else 1_000_100
            pressure = len(line) / 30
            chance = random.random() * (1 + pressure)
            if chance < 1 or len(line) < 3:
                line.append(number)
                self.messages.append((at, NEW, number, 1, price, side))
                number += 1
            elif random.random() < 0.4:
                self.messages.append((at, EXECUTE, line.pop(0), 1, price, side))
            else:
                k = int(random.integers(len(line))) if self.cancels == "uniform" else len(line) - 1 - int(random.integers(3))
                self.messages.append((at, DELETE, line.pop(k), 1, price, side))
        return self

    def write(self, folder: Path) -> Path:
        """The message file and the book after its first message."""
        path = folder / "ACME_2012-06-21_34200000_57600000_message_1.csv"
        path.write_text("".join(f"{at:.9f},{kind},{one},{lots},{price},{side}\n" for at, kind, one, lots, price, side in self.messages))
        (folder / path.name.replace("message", "orderbook")).write_text("1000100,1,1000000,1\n")
        return path

    def places(self) -> dict[int, float]:
        """When the place of each order would have filled, seconds after midnight: by lists in which a ghost stands before each order."""
        lines: dict[int, list[int]] = {1: [], -1: []}
        filled: dict[int, float] = {}
        for at, kind, one, _, _, side in self.messages:
            line = lines[side]
            if kind == NEW:
                line += [-one, one]
                continue
            k = line.index(one)
            if kind == EXECUTE:
                filled |= {-ghost: at for ghost in line[:k] if ghost < 0}
                lines[side] = [other for n, other in enumerate(line) if n > k or (other > 0 and other != one)]
            else:
                del line[k]
        return filled
