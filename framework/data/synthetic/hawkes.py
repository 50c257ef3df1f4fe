"""Order books whose messages excite each other: a multivariate Hawkes process with an exponential kernel.

    intensity of kind i at t = base_i + sum over past arrivals k of branching[i, kind_k] decay exp(-decay (t - t_k))

drawn by thinning (Ogata, "On Lewis' simulation method for point processes", 1981). A stationary process has a spectral radius of
`branching` below 1 and mean intensities (I - branching)^-1 base. The six kinds are market, limit and cancel, of buyers and sellers.

Arrivals are drawn from before the start on and those before it dropped, so that they are stationary from the first moment. The book
is not: it starts with the orders that the model says, and takes its own shape from there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
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

KINDS = ("market_buy", "market_sell", "limit_buy", "limit_sell", "cancel_buy", "cancel_sell")
"""The order of rows and columns."""

Matrix = tuple[tuple[float, ...], ...]
_ARRIVALS = 65_536
_LIFETIMES = 20.0
"""How long arrivals are drawn before the start, in 1 / (decay (1 - branching ratio)): what the empty past has missed fades to e^-20."""


def _default_branching() -> Matrix:
    """Orders excite their own kind most; market orders draw limit orders and cancellations after them."""
    own, reply, slight = 0.4, 0.15, 0.05
    made = np.full((6, 6), 0.0)
    np.fill_diagonal(made, own)
    made[2:4, 0:2], made[4:6, 0:2] = reply, reply
    made[0:2, 2:4], made[4:6, 2:4], made[2:4, 4:6] = slight, slight, slight
    return tuple(tuple(float(value) for value in row) for row in made)


@dataclass(frozen=True)
class HawkesModel:
    """Intensities, and how a message acts on the book.

    A limit order is placed 1 plus a geometric number of ticks of mean `spread_ticks` from the best price of the other side, so it never
    crosses. A market order takes from the best, oldest first; a cancellation takes any order of its side. Neither takes the last
    `least_orders` of a side: what would is counted as without effect. A side that is full drops its worst order for a new one.

    Attributes:
        base: a second, by kind, as in `KINDS`.
        branching: [i][j] is the mean number of arrivals of kind i that one of kind j excites directly.
        decay: a second.
        levels, orders_a_level: of each side at the start.
        least_orders, most_orders: of a side.
    """

    base: tuple[float, ...] = (0.5, 0.5, 2.0, 2.0, 0.8, 0.8)
    branching: Matrix = field(default_factory=_default_branching)
    decay: float = 10.0
    spread_ticks: float = 3.0
    levels: int = 10
    orders_a_level: int = 3
    least_orders: int = 5
    most_orders: int = 200

    def __post_init__(self) -> None:
        base, branching = np.array(self.base), np.array(self.branching)
        if base.shape != (6,) or branching.shape != (6, 6) or (base < 0).any() or not base.sum() > 0 or (branching < 0).any():
            raise InputError("HawkesModel: base has 6 and branching 6 x 6 numbers, none below 0, base not all 0.")
        if not self.branching_ratio < 1:
            raise InputError(
                f"HawkesModel: the spectral radius of branching is {self.branching_ratio:.3f}; rule: below 1, else it explodes."
            )
        if not (self.decay > 0 and self.spread_ticks >= 0):
            raise InputError(f"HawkesModel: decay={self.decay}, spread_ticks={self.spread_ticks}; rule: above 0, and not below 0.")
        if not 1 <= self.least_orders <= self.levels * self.orders_a_level <= self.most_orders:
            raise InputError(
                f"HawkesModel: least_orders={self.least_orders}, {self.levels} x {self.orders_a_level} at the start, "
                f"most_orders={self.most_orders}; rule: 1 <= least_orders <= at the start <= most_orders."
            )

    @property
    def branching_ratio(self) -> float:
        """The spectral radius of `branching`: the share of arrivals that others excited."""
        return float(np.abs(np.linalg.eigvals(np.array(self.branching))).max())

    @cached_property
    def rates(self) -> NDArray[np.float64]:
        """Stationary arrivals a second by kind, shape (6,)."""
        return np.linalg.solve(np.eye(6) - np.array(self.branching), np.array(self.base))


@dataclass(frozen=True)
class HawkesTruth:
    """What made the books: `model`, `market`, the stationary `model.rates` and `model.branching_ratio`, and the arrivals themselves."""

    model: HawkesModel
    market: Market

    def arrivals(self, symbol: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Seconds after the start and kind of every arrival, those without effect too.

        Raises:
            InputError: no book of this symbol was made.
        """
        found = list(self._source(symbol).until(self.market.seconds))
        return np.concatenate([times for times, _ in found]), np.concatenate([kinds for _, kinds in found])

    def excited(self, symbol: str) -> NDArray[np.float64]:
        """Intensities a second beyond `model.base` at the start, by kind, shape (6,): what arrivals before it excited.

        Raises:
            InputError: no book of this symbol was made.
        """
        return self._source(symbol).at_start

    def _source(self, symbol: str) -> _Arrivals:
        if symbol not in self.market.symbols:
            raise InputError(f"no book of {symbol!r} was made, but of {', '.join(self.market.symbols)}.")
        return _Arrivals(self.model, self.market, self.market.symbols.index(symbol))


def hawkes_book(
    market: Market | None = None, model: HawkesModel | None = None, *, part_seconds: float | None = None
) -> Synthetic[HawkesTruth]:
    """Order books by order (L3) with Hawkes arrivals: a snapshot, then DEPTH and TRADE with order ids, never crossed.

    A message's DEPTH and TRADE carry its number as `sequence`; a market order is TRADE and DEPTH for each order it meets.

    Args:
        market: symbols, span, seed, steps and latency.
        model: intensities.
        part_seconds: the length of parts; the events do not depend on it.

    Raises:
        InputError: settings that cannot be. While reading: DataError where a price falls below 1 tick.
    """
    where, how = market or Market(), model or HawkesModel()
    rows = float(how.rates.sum()) * 1.5
    made = streams.recording(where, "Hawkes order book", lambda number: _HawkesBook(how, where, number), rows, part_seconds)
    return Synthetic(made, HawkesTruth(how, where))


class _Arrivals:
    def __init__(self, model: HawkesModel, market: Market, number: int) -> None:
        self._state = market.state(number)
        self._base, self._decay = np.array(model.base), model.decay
        self._excited, self._added = np.zeros(6), np.array(model.branching) * model.decay
        self._random = generator(market.seed, "hawkes", market.symbols[number], "arrivals")
        self.at_start = self._warmed_up(_LIFETIMES / (model.decay * (1.0 - model.branching_ratio)))

    def _warmed_up(self, seconds: float) -> NDArray[np.float64]:
        """Drop so many seconds of arrivals; the intensities beyond base at their end, which becomes time 0."""
        deque(self.until(seconds), maxlen=0)
        state = self._state[0]
        state["next_s"] -= seconds  # the first one after it is drawn already
        faded = self._excited - self._added[:, int(state["next_kind"])]
        return np.asarray(faded * np.exp(self._decay * state["next_s"]))

    def until(self, seconds: float) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
        count = _ARRIVALS
        while count == _ARRIVALS:
            times, kinds = np.empty(_ARRIVALS), np.empty(_ARRIVALS, np.int64)
            count = kernels.arrivals(self._state, self._base, self._excited, self._added, self._decay, self._random, seconds, times, kinds)
            yield times[:count], kinds[:count]


class _HawkesBook:
    def __init__(self, model: HawkesModel, market: Market, number: int) -> None:
        self._model, self._symbol = model, market.symbols[number]
        self._arrivals = _Arrivals(model, market, number)
        self._state = market.state(number)
        self._state[0]["spread"] = model.spread_ticks
        self._orders, self._counts = np.zeros((2, model.most_orders), kernels.ORDER), np.zeros(2, np.int64)
        self._random = generator(market.seed, "hawkes", self._symbol, "orders")
        self._out = np.zeros(65_536 + 4 * model.most_orders, EVENT)

    def start(self) -> Events:
        model = self._model
        rows = kernels.hawkes_start(self._state, self._orders, self._counts, model.levels, model.orders_a_level, self._random, self._out)
        return joined((self._out[:rows],))

    def until(self, seconds: float) -> Events:
        pieces = []
        for times, kinds in self._arrivals.until(seconds):
            at = 0
            while at < len(times):
                at, rows = kernels.hawkes_book(
                    self._state, self._orders, self._counts, self._model.least_orders, times, kinds, at, self._random, self._out
                )
                pieces.append(joined((self._out[:rows],)))
                if self._state[0]["tick_floor"]:
                    raise DataError(
                        f"{self._symbol}: {times[at]:.1f} s after the start a price falls below 1 tick. Choose a higher start_ticks."
                    )
        return joined(pieces)
