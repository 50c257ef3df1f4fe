"""Time is data and chance is keyed: no clock of the machine and no unseeded random draw outside the places named here."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.sources import Source, sources

ALLOWED = ("framework/bench/", "framework/commands/clock.py", "framework/simulation/stopwatch.py", "live/intake.py")
"""Benchmarks measure time, a sweep says how long each of its runs took, decisions are timed where asked, an import says when it was made;
`live/intake.py` stamps what comes from outside."""

CLOCKS = re.compile(
    r"""
    time\.(time|time_ns|perf_counter|perf_counter_ns|monotonic|monotonic_ns|process_time|process_time_ns|thread_time|thread_time_ns
          |clock_gettime|clock_gettime_ns|localtime|gmtime|ctime|sleep)
    | datetime\.datetime\.(now|utcnow|today) | datetime\.date\.today
    | pandas\.Timestamp\.(now|utcnow|today) | pandas\.Timestamp\.now | pandas\.(DatetimeIndex|Period)\.now
    | os\.times
    """,
    re.VERBOSE,
)
"""Names of clocks, as they read once import aliases are resolved. A sleep is a clock too: what waits for it depends on it."""

CHANCE = re.compile(
    r"os\.(urandom|getrandom)|uuid\.uuid[14]|secrets\..*|random\.SystemRandom"
    r"|random\.(?!Random$|SystemRandom$).*|numpy\.random\.(?!default_rng$|Generator$|SeedSequence$|Philox$|PCG64$|BitGenerator$).*"
)
"""Chance from the machine or from a generator shared by the process."""

NEEDS_SEED = re.compile(r"random\.Random|numpy\.random\.(default_rng|SeedSequence|Philox|PCG64)")
NOW_STRINGS = {"numpy.datetime64", "pandas.Timestamp", "pandas.to_datetime"}


def offences(source: Source) -> list[str]:
    """One line for each use of a clock or of unkeyed chance."""
    aliases = _aliases(source.tree)
    found = []
    for node in ast.walk(source.tree):
        name = _dotted(node, aliases)
        if name and (CLOCKS.fullmatch(name) or CHANCE.fullmatch(name)):
            found.append(f"{source.path}:{node.lineno} uses {name}")  # type: ignore[attr-defined]
        if isinstance(node, ast.Call):
            called = _dotted(node.func, aliases) or ""
            first = node.args[0] if node.args else None
            constant = first.value if isinstance(first, ast.Constant) else ...
            if NEEDS_SEED.fullmatch(called) and not node.keywords and (first is None or constant is None):
                found.append(f"{source.path}:{node.lineno} calls {called} without a seed")
            if called in NOW_STRINGS and constant in ("now", "today"):
                found.append(f"{source.path}:{node.lineno} calls {called}({constant!r})")
    return found


def _aliases(tree: ast.Module) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


def _dotted(node: ast.AST, aliases: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return aliases.get(node.id)
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value, aliases)
        return f"{base}.{node.attr}" if base else None
    return None


def test_no_clock_and_no_unkeyed_chance() -> None:
    looked_at = [source for source in sources() if not source.path.startswith(ALLOWED)]
    assert len(looked_at) > 10
    assert [offence for source in looked_at for offence in offences(source)] == []


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.time()",
        "import time as t\nt.perf_counter_ns()",
        "from time import monotonic as tick\ntick()",
        "import time\ndef f(clock=time.time): ...",
        "import time\ntime.sleep(1)",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.datetime.utcnow()",
        "import datetime as dt\ndt.date.today()",
        "import pandas as pd\npd.Timestamp.now('UTC')",
        "import pandas as pd\npd.Timestamp('now')",
        "import pandas as pd\npd.to_datetime('today')",
        "import numpy as np\nnp.datetime64('now')",
        "import os\nos.urandom(8)",
        "from uuid import uuid4\nuuid4()",
        "import random\nrandom.random()",
        "import random\nrandom.Random()",
        "import numpy as np\nnp.random.rand(3)",
        "import numpy as np\nnp.random.seed(3)",
        "import numpy as np\nnp.random.default_rng()",
        "import numpy as np\nnp.random.default_rng(None)",
        "from numpy.random import default_rng\ndefault_rng()",
        "import secrets\nsecrets.token_hex()",
    ],
)
def test_a_planted_offence_is_caught(text: str) -> None:
    assert len(offences(Source.planted("framework.kernel.planted", text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\nnp.random.default_rng(7)",
        "import numpy as np\nrng: np.random.Generator",
        "import numpy as np\nnp.datetime64('2010-01-04')",
        "import random\nrandom.Random(3).random()",
        "from datetime import datetime\ndatetime(2010, 1, 4)",
        "def f(time):\n    return time.time",
    ],
)
def test_stamps_and_seeded_chance_pass(text: str) -> None:
    assert offences(Source.planted("framework.kernel.planted", text)) == []
