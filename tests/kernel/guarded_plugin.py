"""A pytest plugin: every test runs in guarded tables. `pytest -p tests.kernel.guarded_plugin tests/tapes`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel.guarded import guarded


@pytest.fixture(autouse=True)
def _in_guarded_tables() -> Iterator[None]:
    with guarded():
        yield
