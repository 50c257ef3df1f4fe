"""`onetape data`: what the embedded datasets are called and what is known about them."""

from __future__ import annotations

from rich.console import Console


def data() -> None:
    """List the datasets that a config can name, with their span, origin and faults."""
    from framework.data import catalog

    console = Console()
    for name in catalog.names():
        console.print(name, style="bold")
        console.print(f"  {catalog.describe(name)}", markup=False, highlight=False)
