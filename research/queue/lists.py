"""Followed orders by price: a list for each price of each side, and the best price at which one may stand. Compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

from framework.kernel.layout.depth_records import word_row
from framework.kernel.machine.compile import stamped_kernel

compiled = njit(error_model="numpy", nogil=True)
"""For functions that become part of a walk, which is what is kept on disk."""


def walk(function: Callable[[int], int]) -> Any:
    """Compile a walk, by the address of its root record; kept on disk by its code and what it calls."""
    return stamped_kernel(function, "queue")


@compiled
def head_of(root: Any, side: int, price: int) -> Any:
    """The word that holds the first order of a list, -1 for none. The price is inside the table."""
    return word_row(root.heads, price - root.low + (0 if side > 0 else root.high - root.low + 1))


@compiled
def first_at(root: Any, side: int, price: int) -> int:
    """The first order of a list, -1 where there is none or no table yet."""
    return head_of(root, side, price).value if root.heads != 0 and root.low <= price <= root.high else -1


@compiled
def put_first(root: Any, side: int, price: int, number: int) -> int:
    """Make an order the first of its list and return the one that was."""
    head = head_of(root, side, price)
    was = head.value
    head.value = number
    if side > 0:
        root.best_bid = max(root.best_bid, price)
    else:
        root.best_ask = min(root.best_ask, price)
    return was


@compiled
def reach_of(root: Any, side: int) -> int:
    """The best price at which a followed order may stand; beyond the table where there is none."""
    return root.best_bid if side > 0 else root.best_ask


@compiled
def lower_reach(root: Any, side: int, price: int) -> None:
    """All followed orders at prices better than this one are gone."""
    if side > 0:
        root.best_bid = min(root.best_bid, max(price, root.low - 1))
    else:
        root.best_ask = max(root.best_ask, min(price, root.high + 1))
