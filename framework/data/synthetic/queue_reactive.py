"""The queue-reactive order book of Huang, Lehalle and Rosenbaum, "Simulating and analyzing order book data" (JASA, 2015).

Bids stand at a base price and below, offers a tick above it and beyond, K queues a side. The reference price is half a tick above the
base. Orders join a queue, leave it, or (the best queue of a side only) are met by market orders, with intensities that depend on the
queue's own length: their model I. Where an event empties the first queue of a side, or an order joins the first queue of the other
side while that one is empty, the reference price moves towards the empty side with probability `move`, and then with probability
`redraw` all queues are drawn anew. A queue that comes into sight is drawn from its invariant distribution; one that falls out of sight
is cancelled.

Every order is of one unit to the model, whatever its lots; a market order meets one order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from framework.data.synthetic import kernels, streams
from framework.data.synthetic.draws import Synthetic, generator
from framework.data.synthetic.streams import Market
from framework.data.tape.event_arrays import joined
from framework.data.tape.recording import Events
from framework.errors import DataError, InputError
from framework.schema.event import EVENT

Table = tuple[tuple[float, ...], ...]
_MOST = 60
_MOVES = 4096


def intensities(first: tuple[float, ...], slope: float = 0.0, most: int = _MOST) -> Table:
    """A table of intensities `first[level] + slope * length`; 0 at length 0 where `slope` is above 0.

    >>> intensities((1.0,), 0.5, most=2)
    ((0.0, 1.5, 2.0),)
    """
    return tuple(tuple(0.0 if slope and not length else base + slope * length for length in range(most + 1)) for base in first)


def _join() -> Table:
    return tuple((*row[:-1], 0.0) for row in intensities((2.0, 1.5, 1.0, 0.8, 0.6)))


def _leave() -> Table:
    return intensities((0.0,) * 5, 0.25)


def _meet() -> Table:
    return tuple((0.0, *row[1:]) for row in intensities((1.0, 0.5, 0.3, 0.2, 0.1)))


@dataclass(frozen=True)
class QueueModel:
    """Intensities a second, `[level][length]`, level 0 being next to the reference price.

    Attributes:
        limit: of orders that join; 0 at the greatest length.
        cancel: of orders that leave, any of the queue; 0 at length 0.
        market: of market orders, while the queue is the best of its side; 0 at length 0.
        move: probability that the reference price moves where it can.
        redraw: probability that all queues are drawn anew where it has moved.
    """

    limit: Table = field(default_factory=_join)
    cancel: Table = field(default_factory=_leave)
    market: Table = field(default_factory=_meet)
    move: float = 0.7
    redraw: float = 0.1

    def __post_init__(self) -> None:
        limit, cancel, market = self.arrays
        if limit.ndim != 2 or limit.shape != cancel.shape or limit.shape != market.shape or limit.shape[1] < 2:
            raise InputError("QueueModel: limit, cancel and market are tables of the same levels x lengths, lengths from 0 to at least 1.")
        if min(limit.min(), cancel.min(), market.min()) < 0 or limit[:, -1].any() or cancel[:, 0].any() or market[:, 0].any():
            raise InputError("QueueModel: no intensity is below 0; limit is 0 at the greatest length, cancel and market at length 0.")
        if not limit[:, :-1].all() or not (cancel + market)[0, 1:].all() or not cancel[1:, 1:].all():
            raise InputError(
                "QueueModel: queues that stop have no invariant distribution. Below the greatest length limit is above 0, and from "
                "length 1 on cancel is, at level 0 cancel + market."
            )
        if not (0 <= self.move <= 1 and 0 <= self.redraw <= 1):
            raise InputError(f"QueueModel: move={self.move}, redraw={self.redraw}; rule: both from 0 to 1.")

    @property
    def arrays(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """`limit`, `cancel` and `market`, each of shape (levels, lengths)."""
        return np.array(self.limit), np.array(self.cancel), np.array(self.market)

    @cached_property
    def invariant(self) -> NDArray[np.float64]:
        """Distribution of the length of each queue by itself, shape (levels, lengths).

        pi(n) = pi(0) * product over j = 1 ... n of limit(j - 1) / death(j); death is cancel + market at level 0 and cancel beyond, where
        market orders seldom reach. Without moves of the reference price it is the distribution that level 0 tends to.
        """
        limit, cancel, market = self.arrays
        death = cancel.copy()
        death[0] += market[0]
        weights = np.cumprod(np.concatenate([np.ones((len(limit), 1)), limit[:, :-1] / death[:, 1:]], axis=1), axis=1)
        found: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        return found


@dataclass(frozen=True)
class QueueTruth:
    """What made the books: `model` with its `invariant` distributions, `market`, and the path of the reference price."""

    model: QueueModel
    market: Market

    def reference_price(self, symbol: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Venue stamps of the start and of every move, and the reference price in ticks from there on.

        Raises:
            InputError: no book of this symbol was made.
        """
        if symbol not in self.market.symbols:
            raise InputError(f"no book of {symbol!r} was made, but of {', '.join(self.market.symbols)}.")
        book = _QueueBook(self.model, self.market, self.market.symbols.index(symbol))
        book.start()
        path = [np.array([[self.market.start_ns, self.market.start_ticks]], np.int64)]
        path += [moves for _, moves in book.pieces(self.market.seconds)]
        found = np.concatenate(path)
        return found[:, 0], found[:, 1].astype(np.float64) + 0.5


def queue_reactive_book(
    market: Market | None = None, model: QueueModel | None = None, *, part_seconds: float | None = None
) -> Synthetic[QueueTruth]:
    """Queue-reactive order books by order (L3): a snapshot, then DEPTH and TRADE with order ids, never crossed.

    Args:
        market: symbols, span, seed, steps and latency.
        model: intensities.
        part_seconds: the length of parts; the events do not depend on it.

    Raises:
        InputError: settings that cannot be. While reading: DataError where a price falls below 1 tick.
    """
    where, how = market or Market(), model or QueueModel()
    rows = 6.0 * float((how.arrays[0][:, :-1] * how.invariant[:, :-1]).sum())
    made = streams.recording(where, "queue-reactive order book", lambda number: _QueueBook(how, where, number), rows, part_seconds)
    return Synthetic(made, QueueTruth(how, where))


class _QueueBook:
    def __init__(self, model: QueueModel, market: Market, number: int) -> None:
        levels, lengths = model.arrays[0].shape
        self._tables = model.arrays
        self._cumulative = np.cumsum(model.invariant, axis=1)
        self._levels, self._symbol = levels, market.symbols[number]
        self._moves, self._sums = np.array([model.move, model.redraw]), np.zeros(6 * levels)
        self._state = market.state(number)
        self._queues, self._counts = np.zeros((2 * levels, lengths), kernels.ORDER), np.zeros(2 * levels, np.int64)
        self._random = generator(market.seed, "queue-reactive", self._symbol, "orders")
        self._out = np.zeros(65_536 + 8 * levels * lengths, EVENT)

    def start(self) -> Events:
        rows = kernels.queues_start(self._state, self._queues, self._counts, self._cumulative, self._random, self._out)
        return joined((self._out[:rows],))

    def until(self, seconds: float) -> Events:
        return joined([events for events, _ in self.pieces(seconds)])

    def pieces(self, seconds: float) -> list[tuple[Events, NDArray[np.int64]]]:
        """Messages before a time and the moves of the base price among them."""
        found, is_done = [], False
        while not is_done:
            path = np.zeros((_MOVES, 2), np.int64)
            is_done, rows, moved = kernels.queue_reactive(
                self._state, self._queues, self._counts, *self._tables, self._cumulative, self._moves, self._sums, self._random, seconds,
                self._out, path,
            )  # fmt: skip
            found.append((joined((self._out[:rows],)), path[:moved]))
            if moved and int(path[:moved, 1].min()) < self._levels:
                raise DataError(f"{self._symbol}: prices fall below 1 tick. Choose a higher start_ticks.")
        return found
