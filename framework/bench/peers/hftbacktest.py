"""hftbacktest: the book as its own feed, one asset, partial fills off since every order is one lot."""

from __future__ import annotations

from importlib import metadata

import hftbacktest.types as kinds
import numpy as np
from harness import Outcome
from hftbacktest import GTC, LIMIT, NEW, NONE, BacktestAsset, ROIVectorMarketDepthBacktest
from numba import njit

_TRADE, _BUY, _SNAPSHOT = 3, 512, 2048  # as in framework.schema.event
_NO_PRICE = 1 << 40
"""An empty side of its book has the largest integer for its best price."""


def version():
    """The peer's."""
    return metadata.version("hftbacktest")


def feed(work):
    """The workload as hftbacktest's events."""
    flags, spec = work.array("flags"), work.spec
    events = np.zeros(len(flags), kinds.event_dtype)
    depth = np.where(flags & _SNAPSHOT, kinds.DEPTH_SNAPSHOT_EVENT, kinds.DEPTH_EVENT)
    kind = np.where(work.array("kind") == _TRADE, kinds.TRADE_EVENT, depth).astype(np.uint64)
    side = np.where(flags & _BUY, np.uint64(kinds.BUY_EVENT), np.uint64(kinds.SELL_EVENT))
    events["ev"] = kind | side | np.uint64(kinds.EXCH_EVENT) | np.uint64(kinds.LOCAL_EVENT)
    events["exch_ts"] = work.array("stamps")
    events["local_ts"] = events["exch_ts"] + spec["latency_ns"]
    events["px"], events["qty"] = work.array("price") / spec["ticks_per_unit"], work.array("lots")
    return events


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
def _every_step(hbt, step_ns, most, tick, patience_ns):
    state, n = np.array([-1, -1, 0, 0, 0, 0]), 0
    while hbt.elapse(step_ns) == 0:
        _quote(hbt, state, most, tick, patience_ns)
        n += 1
        if n % 50 == 0:
            hbt.clear_inactive_orders(0)


@njit
def _every_row(hbt, step_ns, most, tick, patience_ns):
    state, n = np.array([-1, -1, 0, 0, 0, 0]), 0
    while True:
        told = hbt.wait_next_feed(False, 86_400_000_000_000)
        if told == 1:
            return
        _quote(hbt, state, most, tick, patience_ns)
        n += 1
        if n % 5000 == 0:
            hbt.clear_inactive_orders(0)


def prepare(work, mode):
    """A run of W4 or W4R."""
    spec, events = work.spec, feed(work)
    tick, loop = 1.0 / spec["ticks_per_unit"], _every_row if mode == "wait_next_feed" else _every_step
    prices = work.array("price") * tick

    def run():
        asset = (
            BacktestAsset()
            .data(events)
            .linear_asset(1.0)
            .constant_order_latency(spec["latency_ns"], spec["response_ns"])
            .power_prob_queue_model(spec["queue_power"])
            .no_partial_fill_exchange()
            .trading_value_fee_model(spec["maker_bps"] * 1e-4, spec["taker_bps"] * 1e-4)
            .tick_size(tick)
            .lot_size(1.0)
            .last_trades_capacity(0)
            .roi_lb(float(prices.min()) - 1.0)
            .roi_ub(float(prices.max()) + 1.0)
        )
        hbt = ROIVectorMarketDepthBacktest([asset])
        loop(hbt, spec["step_ns"], spec["most"], tick, spec["patience_ns"])
        state, depth = hbt.state_values(0), hbt.depth(0)
        mid = 0.5 * (depth.best_bid_tick + depth.best_ask_tick) * tick
        equity, fills = state.balance + state.position * mid - state.fee, state.num_trades
        hbt.close()
        return equity, fills

    def read(result):
        equity, fills = result
        return Outcome([spec["cash"] + equity], int(fills), len(events))

    return run, read
