"""How much of a mapped file is in memory."""

from __future__ import annotations

import re
from pathlib import Path


def resident_kb(path: Path) -> int:
    """What the kernel counts as resident of a mapped file."""
    found, is_here = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            is_here = line.endswith(str(path))
        elif is_here and line.startswith("Rss:"):
            found += int(line.split()[1])
    return found
