"""The audit: records and their hash."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.engine.audit import Audit
from framework.schema.event import EVENT


def test_the_digest_is_the_same_whenever_it_is_asked_for() -> None:
    """Reading the records joins them; what was hashed already is not hashed again."""

    def parts() -> list[NDArray[np.void]]:
        made = []
        for k in range(3):
            rows = np.zeros(2, EVENT)
            rows["w0"] = [2 * k, 2 * k + 1]
            made.append(rows)
        return made

    waiting, others = parts(), parts()
    asked, plain = Audit({"a": 1}, lambda: waiting.pop(0)), Audit({"a": 1}, lambda: others.pop(0))
    asked.collect()
    first = asked.digest
    asked.collect()
    assert asked.records["w0"].tolist() == [0, 1, 2, 3]
    assert asked.digest != first
    asked.collect()
    for _ in range(3):
        plain.collect()
    assert asked.digest == plain.digest
    assert asked.records["w0"].tolist() == list(range(6))
