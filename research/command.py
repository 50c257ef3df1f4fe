"""`onetape calibrate`: models of costs from data, with their errors."""

from __future__ import annotations

import typer

from research.impact.command import impact

calibrate = typer.Typer(help="Estimate models of costs from data, with their errors.", no_args_is_help=True)


@calibrate.callback()
def _group() -> None:
    """Estimate models of costs from data, with their errors."""


calibrate.command()(impact)
