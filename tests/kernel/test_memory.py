"""The pool of table memory: a block is handed out again only when nobody holds it."""

from __future__ import annotations

import numpy as np

from framework.kernel.layout.account_records import POINT, TRADE
from framework.kernel.machine.memory_pool import Pool


def test_a_block_in_use_is_not_handed_out_again() -> None:
    pool = Pool()
    first = pool.take("points", 10, POINT)
    second = pool.take("points", 10, POINT)
    assert not np.shares_memory(first, second)


def test_a_slice_keeps_its_block_in_use() -> None:
    pool = Pool()
    first = pool.take("points", 10, POINT)
    kept = first[2:4]["cash"]
    del first
    assert not np.shares_memory(kept, pool.take("points", 10, POINT))


def test_the_largest_free_block_of_the_same_use_is_taken() -> None:
    pool = Pool()
    small, large = pool.take("points", 10, POINT), pool.take("points", 1000, POINT)
    other = pool.take("trades", 5000, TRADE)
    address = large.ctypes.data
    del small, large, other
    again = pool.take("points", 5, POINT)
    assert (len(again), again.ctypes.data) == (1000, address)


def test_blocks_beyond_the_limit_are_let_go_and_stay_valid_for_their_holder() -> None:
    pool = Pool(limit_bytes=100 * POINT.itemsize)
    first = pool.take("points", 80, POINT)
    first["cash"] = 7.0
    second = pool.take("points", 80, POINT)
    address = second.ctypes.data
    del second
    assert pool.take("points", 80, POINT).ctypes.data == address
    assert (first["cash"] == 7.0).all()


def test_what_a_table_has_outgrown_is_not_kept() -> None:
    pool = Pool()
    small = pool.take("points", 10, POINT)
    address = small.ctypes.data
    larger = pool.take("points", 20, POINT)
    pool.forget("points", small[:])
    pool.forget("points", larger[:0].copy())  # nobody's block: nothing happens
    other = pool.take("points", 10, POINT)  # before `small` is let go, so its memory cannot be given out again by chance
    del small
    assert other.ctypes.data != address
    assert not np.shares_memory(pool.take("points", 10, POINT), other)
