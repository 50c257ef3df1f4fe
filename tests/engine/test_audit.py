"""The audit: records and their hash."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.engine.audit import Audit, header_digest
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


def test_a_header_is_worked_out_when_it_is_asked_for() -> None:
    """A tape's digest takes longer than many a run; who looks at the equity alone does not wait for it."""
    asked: list[str] = []

    def tape() -> str:
        asked.append("tape")
        return "abc"

    late, plain = (Audit({"tape": one, "seed": 1}, lambda: np.zeros(0, EVENT)) for one in (tape, "abc"))
    for audit in (late, plain):
        audit.collect()
        audit.end_early("stopped")
        assert audit.ended_early == "stopped"
    assert asked == []
    assert late.digest == plain.digest and late.header == plain.header == {"tape": "abc", "seed": 1, "ended_early": "stopped"}
    assert asked == ["tape"]


def test_a_header_has_one_digest_whether_worked_out_or_not() -> None:
    assert header_digest({"tape": lambda: "abc"}) == header_digest({"tape": "abc"}) != header_digest({"tape": "abd"})
