"""What every drawing asserts besides what is drawn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel.agreement import Watch, watch


@pytest.fixture(autouse=True)
def accounts() -> Iterator[Watch]:
    """Our account and the venue's agree whenever nothing is in flight."""
    with pytest.MonkeyPatch.context() as patch:
        yield watch(patch)
