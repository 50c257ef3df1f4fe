"""vectorbt: signals and weights as arrays."""

from __future__ import annotations

import numpy as np
import vectorbt as vbt
from harness import Outcome


def version():
    """The peer's."""
    return vbt.__version__


def prepare(work, mode):
    """What is timed on a workload, and how its result is read."""
    return {"W1": _cross, "W2": _universe, "W3": _sweep}[work.name](work)


def _signals(ticks, fast, slow):
    """Whether we want to be long at each open, decided at the close before, from exact sums."""
    sums = np.concatenate(([0], np.cumsum(ticks)))
    wanted = np.zeros(len(ticks), dtype=bool)
    now = sums[slow:-1]
    wanted[slow:] = (now - sums[slow - fast : -1 - fast]) * slow > (now - sums[: -1 - slow]) * fast
    return wanted


def _cross(work):
    spec, ticks, close, opens = work.spec, work.array("close"), work.prices("close"), work.prices("open")

    def run():
        wanted = _signals(ticks, spec["fast"], spec["slow"])
        return vbt.Portfolio.from_signals(
            close, wanted, ~wanted, price=opens, size=spec["shares"], fees=spec["fee_bps"] * 1e-4, init_cash=spec["cash"]
        )

    return run, lambda made: Outcome([float(made.final_value())], int(made.orders.count()), len(ticks))


def _sweep(work):
    spec, ticks, close, opens = work.spec, work.array("close"), work.prices("close"), work.prices("open")
    pairs = work.array("pairs")

    def run():
        wanted = np.empty((len(ticks), len(pairs)), dtype=bool)
        for k, (fast, slow) in enumerate(pairs):
            wanted[:, k] = _signals(ticks, fast, slow)
        return vbt.Portfolio.from_signals(
            close[:, None],
            wanted,
            ~wanted,
            price=opens[:, None],
            size=spec["shares"],
            fees=spec["fee_bps"] * 1e-4,
            init_cash=spec["cash"],
            max_orders=wanted.size // 8,  # as its documentation advises: room for one order a bar would be gigabytes
        )

    return run, lambda made: Outcome(made.final_value().tolist(), int(made.orders.count().sum()), len(ticks) * len(pairs))


def _universe(work):
    spec, close, opens, weights = work.spec, work.prices("close"), work.prices("open"), work.array("weights")

    def run():
        shifted = np.vstack((np.full((1, close.shape[1]), np.nan), weights[:-1]))
        before = np.vstack((opens[:1], close[:-1]))  # sized at the close that decided
        return vbt.Portfolio.from_orders(
            close,
            shifted,
            size_type="targetpercent",
            price=opens,
            val_price=before,
            fees=spec["fee_bps"] * 1e-4,
            init_cash=spec["cash"],
            cash_sharing=True,
            group_by=True,
            call_seq="auto",
        )

    return run, lambda made: Outcome([float(made.final_value())], int(made.orders.count()), close.size)
