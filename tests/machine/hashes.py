"""A plugin of pytest that writes down the audit hash of every backtest that a test makes: `-p tests.machine.hashes`."""

from __future__ import annotations

import functools
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

from framework.kernel.machine import part, plain
from framework.machine import kept
from framework.simulation import simulate as module

BOTH = (part, plain, kept)
"""Loaded in both modes: hypothesis draws from the constants in the sources of loaded modules, and is to draw the same examples."""

_plain_simulate = module.simulate
_found: dict[str, list[str]] = defaultdict(list)


@functools.wraps(_plain_simulate)
def simulate(*args: Any, **settings: Any) -> Any:
    """As it is, with its hash written down under the test that called it."""
    result = _plain_simulate(*args, **settings)
    _found[os.environ.get("PYTEST_CURRENT_TEST", "").split(" ")[0]].append(result.audit_hash)
    return result


module.simulate = simulate


def pytest_sessionfinish() -> None:
    """Write the hashes to the file that `ONETAPE_HASHES` names."""
    Path(os.environ["ONETAPE_HASHES"]).write_text(json.dumps(_found, sort_keys=True))
