"""What is asked of the trader half, on its way to the compiled unit that handles it."""

from __future__ import annotations

import numpy as np

REQUEST = np.dtype(
    [
        ("what", "<i8"),  # which proposal: ASK_* of `requests.py`
        ("instrument", "<i8"),
        ("side", "<i8"),
        ("type", "<i8"),
        ("time_in_force", "<i8"),
        ("flags", "<i8"),
        ("quantity", "<f8"),  # units, or the weight of a target
        ("limit", "<f8"),
        ("stop", "<f8"),
        ("trail", "<f8"),
        ("given", "<i8"),  # which of an order's prices and quantities were given: G_* of `order_terms.py`
        ("touch", "<f8"),
        ("limit_offset", "<f8"),
        ("display", "<f8"),
        ("peg_offset", "<f8"),
        ("target", "<f8"),
        ("loss", "<f8"),
        ("expire_ns", "<i8"),
        ("parent", "<i8"),
        ("group", "<i8"),
        ("order_id", "<i8"),
        ("reason", "<i8"),
        ("gross", "<f8"),  # sum of the absolute weights that are set together, 0: one by one
    ]
)
"""The arguments of a proposal on their way to the compiled unit that handles it."""
