"""Market making: quotes on both sides, after Avellaneda and Stoikov, or as a grid around the mid."""

from __future__ import annotations

import datetime as dt
import math

from framework.engine.compiled import compiled
from framework.engine.strategy import PerInstrument, State, Strategy
from framework.engine.view import View

_ON_GRID = 1e-6
"""What is within this part of a tick of the grid of prices counts as on it."""


@compiled
def floor_to(price: float, tick: float) -> float:
    """The highest price on the grid of ticks that is not above."""
    return math.floor(price / tick + _ON_GRID) * tick


@compiled
def ceil_to(price: float, tick: float) -> float:
    """The lowest price on the grid of ticks that is not below."""
    return math.ceil(price / tick - _ON_GRID) * tick


@compiled
def stand(view: View, instrument: str, order_id: int, quantity: float, price: float, was: float) -> int:
    """Let `quantity` (0: nothing) stand at a price: keep the order that works there, move it, or make one; return its id, -1 for none.

    An order that stays at its price keeps its place in the line, so what has filled of it is not refilled before it moves.
    """
    is_working = order_id >= 0 and not view.is_done(order_id)
    if quantity == 0.0:
        if is_working:
            view.cancel(order_id)
        return -1
    if not is_working:
        return view.order(instrument, quantity, limit=price)
    if price != was:
        view.replace(order_id, quantity=view.filled_quantity(order_id) + abs(quantity), limit=price)
    return order_id


@compiled
class AvellanedaStoikov(Strategy):
    """Quotes around a reservation price that leans against the inventory (Avellaneda and Stoikov 2008, High-frequency trading in a limit
    order book, equations 29 and 30).

        r = s - q gamma sigma^2 (T - t)
        ask - bid = gamma sigma^2 (T - t) + (2 / gamma) ln(1 + gamma / k)

    s is the mid, q the position in orders of `size`, T - t the share of the horizon that is left. The bid is rounded down to a tick and
    the ask up; neither is put where it would take. Quotes are renewed every `every_s`.

    Attributes:
        gamma: aversion to risk, per money made by one order of `size`; above 0.
        sigma: deviation of the mid over one horizon, price units.
        k: how fast fills thin out with distance d from the mid: their rate goes as exp(-k d); per price unit, above 0.
        size: units a quote.
        most: units, long or short; a side that could lead beyond is not quoted.
        horizon_s, every_s: seconds. Horizons follow one another from the first timer that finds a book; what is held is carried over.

    Assumptions: the mid has no drift and no memory; who trades with us knows nothing; we are small.
    Fails when: fills are bad news (adverse selection), prices jump, or sigma and k were measured in another market.
    """

    gamma: float = 0.1
    sigma: float = 2.0
    k: float = 1.5
    size: float = 1.0
    most: float = 1000.0
    horizon_s: float = 3600.0
    every_s: float = 1.0
    begun_ns: State[int] = 0
    bid_order: PerInstrument[int]
    ask_order: PerInstrument[int]
    bid_price: PerInstrument[float]
    ask_price: PerInstrument[float]

    def on_start(self, view: View) -> None:
        """Check the settings and set the timer; nothing is quoted yet."""
        for name in ("gamma", "k", "size", "horizon_s", "every_s"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        self.bid_order[:], self.ask_order[:] = -1, -1  # type: ignore[index]
        view.timers.every(dt.timedelta(seconds=self.every_s), name="requote")

    def on_timer(self, view: View, name: str) -> None:
        """Renew the quotes of every instrument."""
        if self.begun_ns == 0:
            for i in view.instruments:
                if view.bid(i) > 0.0:
                    self.begun_ns = view.now_ns
        horizon_ns = self.horizon_s * 1e9
        left = 1.0 - (view.now_ns - self.begun_ns) % horizon_ns / horizon_ns
        variance = self.gamma * self.sigma * self.sigma * left
        half = 0.5 * variance + math.log(1.0 + self.gamma / self.k) / self.gamma
        for i in view.instruments:
            bid, ask, tick, held = view.bid(i), view.ask(i), view.tick(i), view.position(i)
            is_known = bid > 0.0 and ask > bid
            middle = 0.5 * (bid + ask) - held / self.size * variance
            buying = min(floor_to(middle - half, tick), ask - tick) if is_known else 0.0
            selling = max(ceil_to(middle + half, tick), bid + tick) if is_known else 0.0
            buys = self.size if buying > 0.0 and held + self.size <= self.most else 0.0
            sells = self.size if selling > 0.0 and held - self.size >= -self.most else 0.0
            self.bid_order[i] = stand(view, i, self.bid_order[i], buys, buying, self.bid_price[i])
            self.ask_order[i] = stand(view, i, self.ask_order[i], -sells, selling, self.ask_price[i])
            self.bid_price[i], self.ask_price[i] = buying, selling


@compiled
class Grid(Strategy):
    """A ladder of orders on both sides of the mid: buys at mid - half_spread - j step and sells at mid + half_spread + j step, j from 0.

    The ladder is renewed, by a timer, when the mid has moved by `drift` or an order of it has ended; else it stays and keeps its places
    in the lines. With one level it is the symmetric quoting that Avellaneda and Stoikov compare theirs with.

    Attributes:
        half_spread, step: price units; the distance of the first level from the mid, above 0, and between levels.
        levels: on each side, at least 1.
        size: units a level.
        most: units, long or short; levels whose fill could lead beyond are left out.
        drift: price units; 0 renews with every move of the mid.
        every_s: seconds between two looks.

    Assumptions: the price swings around where it is.
    Fails when: it trends: the ladder fills on one side up to `most` and holds it against the move.
    """

    half_spread: float = 0.05
    step: float = 0.05
    levels: int = 3
    size: float = 1.0
    most: float = 10.0
    drift: float = 0.0
    every_s: float = 1.0
    first: PerInstrument[int]
    count: PerInstrument[int]
    center: PerInstrument[float]

    def on_start(self, view: View) -> None:
        """Check the settings and set the timer; nothing is quoted yet."""
        if not (self.half_spread > 0.0 and self.step >= 0.0 and self.levels >= 1 and self.size > 0.0 and self.every_s > 0.0):
            raise ValueError(f"needs half_spread, size and every_s above 0, step >= 0 and levels >= 1, got {dict(self.parameters)}")
        view.timers.every(dt.timedelta(seconds=self.every_s), name="renew")

    def on_timer(self, view: View, name: str) -> None:
        """Renew the ladders that are out of place."""
        for i in view.instruments:
            bid, ask, tick = view.bid(i), view.ask(i), view.tick(i)
            is_known = bid > 0.0 and ask > bid
            mid = 0.5 * (bid + ask) if is_known else 0.0
            stays = self.count[i] > 0 and abs(mid - self.center[i]) <= self.drift
            for order_id in range(self.first[i], self.first[i] + self.count[i]):
                stays = stays and not view.is_done(order_id)
            if stays:
                continue
            for order_id in range(self.first[i], self.first[i] + self.count[i]):
                if not view.is_done(order_id):
                    view.cancel(order_id)
            self.first[i], self.count[i], self.center[i] = view.next_order_id, 0, mid
            held = view.position(i)
            for j in range(self.levels if is_known else 0):
                away, exposed = self.half_spread + j * self.step, (j + 1) * self.size
                buying = min(floor_to(mid - away, tick), ask - tick)
                if held + exposed <= self.most and buying > 0.0:
                    view.order(i, self.size, limit=buying)
                    self.count[i] += 1
                if held - exposed >= -self.most:
                    view.order(i, -self.size, limit=max(ceil_to(mid + away, tick), bid + tick))
                    self.count[i] += 1
