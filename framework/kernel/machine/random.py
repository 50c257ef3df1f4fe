"""Chance without a state: a number for a key, so that one more draw elsewhere changes none of the others.

    h <- mix(key + G), then for each further word w: h <- mix((h xor w) + G),    u = (h >> 11) / 2^53, in [0, 1)

`mix` is the finaliser of splitmix64 (variant 13 of Stafford) and G its increment, 2^64 over the golden ratio: Steele, Lea and
Flood 2014, Fast Splittable Pseudorandom Number Generators, section 5.
"""

from __future__ import annotations

import numpy as np

from framework.kernel.machine.compile import inlined, kernel

_G = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_TO_53_BITS = np.uint64(11)
_UNIT = 2.0**-53


@inlined
def _mix(z: np.uint64) -> np.uint64:
    z = (z ^ (z >> _SHIFTS[0])) * _FIRST
    z = (z ^ (z >> _SHIFTS[1])) * _SECOND
    return z ^ (z >> _SHIFTS[2])


@kernel
def keyed_word(key: int, first: int, second: int) -> int:
    """64 bits for a key of three words."""
    h = _mix(np.uint64(np.int64(key)) + _G)
    h = _mix((h ^ np.uint64(np.int64(first))) + _G)
    return int(np.int64(_mix((h ^ np.uint64(np.int64(second))) + _G)))


@kernel
def uniform(key: int, first: int, second: int) -> float:
    """A number in [0, 1) for a key of three words."""
    return float(np.uint64(np.int64(keyed_word(key, first, second))) >> _TO_53_BITS) * _UNIT
