"""Where the developers' real market data are, if they are here at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def shared() -> Path:
    root = Path(os.environ.get("ONETAPE_SHARED", Path(__file__).parents[3] / "shared"))
    if not (root / "data").is_dir():
        pytest.skip("the developers' market data are not here: set ONETAPE_SHARED to their folder")
    return root / "data"
