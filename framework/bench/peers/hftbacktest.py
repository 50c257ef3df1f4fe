"""hftbacktest: the book as its own feed, one asset, partial fills off since every order is one lot."""

from __future__ import annotations

from importlib import metadata

import hftbacktest.types as kinds
import numpy as np
from harness import Outcome
from hftbacktest import FILLED, GTC, LIMIT, NEW, NONE, BacktestAsset, ROIVectorMarketDepthBacktest
from hftbacktest.data import correct_event_order
from numba import njit

_TRADE, _BUY, _SNAPSHOT = 3, 512, 2048  # as in framework.schema.event
_MOST_TICKS = 1 << 20
"""How many prices its book holds at most, around the first best bid: as many as ours."""
_NO_PRICE = 1 << 40
"""An empty side of its book has the largest integer for its best price."""


def version():
    """The peer's."""
    return metadata.version("hftbacktest")


def feed(work):
    """The workload as hftbacktest's events; where it has stamps of its own for when rows were heard, a row out of order is told twice."""
    flags, spec = work.array("flags"), work.spec
    events = np.zeros(len(flags), kinds.event_dtype)
    depth = np.where(flags & _SNAPSHOT, kinds.DEPTH_SNAPSHOT_EVENT, kinds.DEPTH_EVENT)
    kind = np.where(work.array("kind") == _TRADE, kinds.TRADE_EVENT, depth).astype(np.uint64)
    side = np.where(flags & _BUY, np.uint64(kinds.BUY_EVENT), np.uint64(kinds.SELL_EVENT))
    events["ev"] = kind | side | np.uint64(kinds.EXCH_EVENT) | np.uint64(kinds.LOCAL_EVENT)
    events["exch_ts"] = work.array("stamps")
    events["px"], events["qty"] = work.array("price") / spec["ticks_per_unit"], work.array("lots")
    if not work.has("heard"):
        events["local_ts"] = events["exch_ts"] + spec["latency_ns"]
        return events
    events["local_ts"] = work.array("heard")
    events["ev"] = kind | side  # which half sees a row is said where it stands in order
    orders = (np.append(np.argsort(events[name], kind="stable"), 0) for name in ("exch_ts", "local_ts"))  # it looks one past the last
    return correct_event_order(events, *orders)


@njit
def _stands(orders, order_id):
    return order_id in orders and (orders.get(order_id).status == NEW or orders.get(order_id).status == NONE)


@njit
def _quote(hbt, state, most, tick, patience_ns):
    """As `framework.bench.strategies._quote`; state: bid id, ask id, bid at, ask at, ids given, sent at."""
    depth, orders, held = hbt.depth(0), hbt.orders(0), hbt.position(0)
    bid, ask = depth.best_bid_tick, depth.best_ask_tick
    if not bid < ask < _NO_PRICE or hbt.current_timestamp < state[5] + patience_ns:
        return
    for side in range(2):
        best = bid if side == 0 else ask
        if state[side] >= 0 and (not _stands(orders, state[side]) or state[2 + side] != best):
            if _stands(orders, state[side]) and orders.get(state[side]).cancellable:
                hbt.cancel(0, state[side], False)
                state[5] = hbt.current_timestamp
            state[side] = -1
    if state[0] < 0 and held < most:
        state[4] += 1
        state[0], state[2] = state[4], bid
        state[5] = hbt.current_timestamp
        hbt.submit_buy_order(0, state[4], bid * tick, 1.0, GTC, LIMIT, False)
    if state[1] < 0 and held > -most:
        state[4] += 1
        state[1], state[3] = state[4], ask
        state[5] = hbt.current_timestamp
        hbt.submit_sell_order(0, state[4], ask * tick, 1.0, GTC, LIMIT, False)


@njit
def _clear(hbt, told, fills):
    """Forget the orders that have ended, and keep the fills among them."""
    orders = hbt.orders(0).values()
    while orders.has_next():
        order = orders.get()
        if order.status == FILLED:
            if fills == len(told):
                told = np.concatenate((told, np.zeros_like(told)))
            told[fills, 0], told[fills, 1], told[fills, 2] = order.exch_timestamp, order.side, order.exec_price_tick
            fills += 1
    hbt.clear_inactive_orders(0)
    return told, fills


@njit
def _every_step(hbt, step_ns, most, tick, patience_ns, first_ns):
    """At whole multiples of `step_ns`."""
    state, n = np.array([-1, -1, 0, 0, 0, 0]), 0
    told, fills = np.zeros((1024, 3), np.int64), 0
    wait_ns = step_ns - first_ns % step_ns
    while hbt.elapse(wait_ns) == 0:
        wait_ns = step_ns
        _quote(hbt, state, most, tick, patience_ns)
        n += 1
        if n % 50 == 0:
            told, fills = _clear(hbt, told, fills)
    return _clear(hbt, told, fills)


@njit
def _every_row(hbt, step_ns, most, tick, patience_ns, first_ns):
    state, n = np.array([-1, -1, 0, 0, 0, 0]), 0
    told, fills = np.zeros((1024, 3), np.int64), 0
    while True:
        if hbt.wait_next_feed(False, 86_400_000_000_000) == 1:
            return _clear(hbt, told, fills)
        _quote(hbt, state, most, tick, patience_ns)
        n += 1
        if n % 5000 == 0:
            told, fills = _clear(hbt, told, fills)


def prepare(work, mode):
    """A run of W4, W4R or W4B."""
    spec, events = work.spec, feed(work)
    tick, loop = 1.0 / spec["ticks_per_unit"], _every_row if mode == "wait_next_feed" else _every_step
    prices, rows, first_ns = work.array("price"), len(work.array("price")), int(events["exch_ts"].min())
    middle = int(prices[0])  # the first row of a snapshot is its best bid
    low, high = max(int(prices.min()) - 100, middle - _MOST_TICKS // 2), min(int(prices.max()) + 100, middle + _MOST_TICKS // 2)

    def run():
        asset = (
            BacktestAsset()
            .data(events)
            .linear_asset(spec["multiplier"])
            .constant_order_latency(spec["latency_ns"], spec["response_ns"])
            .power_prob_queue_model(spec["queue_power"])
            .no_partial_fill_exchange()
            .trading_value_fee_model(spec["maker_bps"] * 1e-4, spec["taker_bps"] * 1e-4)
            .tick_size(tick)
            .lot_size(1.0)
            .last_trades_capacity(0)
            .roi_lb(low * tick)
            .roi_ub(high * tick)
        )
        hbt = ROIVectorMarketDepthBacktest([asset])
        told, count = loop(hbt, spec["step_ns"], spec["most"], tick, spec["patience_ns"], first_ns)
        state, depth = hbt.state_values(0), hbt.depth(0)
        mid = 0.5 * (depth.best_bid_tick + depth.best_ask_tick) * tick
        equity = state.balance + state.position * mid * spec["multiplier"] - state.fee
        if count != state.num_trades:
            raise RuntimeError(f"{state.num_trades} trades, but {count} orders that are filled")
        hbt.close()
        return equity, told[:count]

    def read(result):
        equity, told = result
        return Outcome([spec["cash"] + equity], len(told), rows, told[np.argsort(told[:, 0], kind="stable")].tolist())

    return run, read
