"""`onetape calibrate ...`: measure the engine's assumptions on data. Each study brings a command of its own."""

from __future__ import annotations

import typer

from research.impact.command import impact
from research.queue.command import queue

calibrate = typer.Typer(no_args_is_help=True)
calibrate.command("impact")(impact)
calibrate.command("queue")(queue)


@calibrate.callback()
def _group() -> None:
    """Measure the assumptions of the simulation on real data."""
