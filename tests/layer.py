"""Lays an environment over another: `python tests/layer.py BASE_PYTHON`, run by the upper one, which then sees what the base has.

What is installed into the upper one stands before it. Standard library only.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path


def lay(base: str) -> Path:
    """Name the base's packages in the environment of the interpreter that runs; returns the file that does."""
    asked = [base, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    link = Path(sysconfig.get_path("purelib")) / "base.pth"
    link.write_text(f"{packages}\n")
    return link


if __name__ == "__main__":
    lay(sys.argv[1])
