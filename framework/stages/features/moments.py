"""Sums and moments over all values or the last few, kept so that rounding does not add up.

A feature's state holds a record of ROLLING for each sum and one of PAIRS for each set of moments; their `window` 0 means all values.

Sums of all values are compensated (Neumaier 1974); moments of all values follow Welford (1962); over a window the moments are taken
anew in two passes, since what is subtracted again leaves its rounding behind.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from framework.kernel.machine.compile import row_of
from framework.stages.features.feature import feature_kernel

_WINDOW = [("ring", "<i8"), ("window", "<i8"), ("filled", "<i8"), ("at", "<i8")]
ROLLING = np.dtype([*_WINDOW, ("total", "<f8"), ("lost", "<f8")])
PAIRS = np.dtype([*_WINDOW, ("n", "<i8"), *((name, "<f8") for name in ("mean_x", "mean_y", "xx", "yy", "xy"))])

VALUE, PAIR = np.dtype([("value", "<f8")]), np.dtype([("x", "<f8"), ("y", "<f8")])
value_row, pair_row = row_of(VALUE), row_of(PAIR)


@feature_kernel
def _add(state: Any, x: float) -> None:
    total = state.total + x
    if abs(state.total) >= abs(x):
        state.lost += (state.total - total) + x
    else:
        state.lost += (x - total) + state.total
    state.total = total


@feature_kernel
def roll(state: Any, x: float) -> float:
    """Add a value, drop the one that leaves the window, return the sum."""
    if state.window > 0:
        slot = value_row(state.ring, state.at)
        if state.filled == state.window:
            _add(state, -slot.value)
        else:
            state.filled += 1
        slot.value = x
        state.at += 1
        if state.at == state.window:
            state.at = 0
    else:
        state.filled += 1
    _add(state, x)
    if state.window > 0 and state.at == 0:  # once a turn the sum is taken anew
        state.total, state.lost = 0.0, 0.0
        for k in range(state.filled):
            _add(state, value_row(state.ring, k).value)
    return state.total + state.lost


@feature_kernel
def add_pair(state: Any, x: float, y: float) -> None:
    """Add a pair; n, the means and the sums of squared and mixed deviations are then those of the window."""
    if state.window > 0:
        slot = pair_row(state.ring, state.at)
        slot.x, slot.y = x, y
        state.at = (state.at + 1) % state.window
        state.filled = min(state.filled + 1, state.window)
        _two_passes(state)
        return
    state.n += 1
    dx, dy = x - state.mean_x, y - state.mean_y
    state.mean_x += dx / state.n
    state.mean_y += dy / state.n
    state.xx += dx * (x - state.mean_x)
    state.yy += dy * (y - state.mean_y)
    state.xy += dx * (y - state.mean_y)


@feature_kernel
def _two_passes(state: Any) -> None:
    n = state.filled
    sum_x = sum_y = 0.0
    for k in range(n):
        pair = pair_row(state.ring, k)
        sum_x += pair.x
        sum_y += pair.y
    mean_x, mean_y = sum_x / n, sum_y / n
    xx = yy = xy = 0.0
    for k in range(n):
        pair = pair_row(state.ring, k)
        dx, dy = pair.x - mean_x, pair.y - mean_y
        xx += dx * dx
        yy += dy * dy
        xy += dx * dy
    state.n, state.mean_x, state.mean_y, state.xx, state.yy, state.xy = n, mean_x, mean_y, xx, yy, xy


@feature_kernel
def correlation(state: Any) -> float:
    """Of the pairs; NaN where either does not vary."""
    scale = math.sqrt(state.xx) * math.sqrt(state.yy)
    return state.xy / scale if state.n > 1 and scale > 0.0 else math.nan
