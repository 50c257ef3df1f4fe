"""`onetape backtest CONFIG`: one config over its data, everything about it in one folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from framework.commands.output import progress, run_id, save, show, show_notes, strategy_name


def backtest(
    config: Annotated[Path, typer.Argument(help="A YAML file, for instance configs/momentum_daily.yaml.")],
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting; may be repeated.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the run's files; runs/<id> if not given.")] = None,
) -> None:
    """Run a config over its data; write report, config, metrics, tables and audit."""
    from framework.config import load

    settled = load(config, settings or ())  # before anything slow, so that a typo is told at once
    _find_strategies_here()
    console = Console()
    with progress(console) as status:
        from framework.simulation.backtest import run

        result = run(settled)
        status.update("writing the report")
        report = save(result, settled, out or Path("runs") / run_id(result, settled))
    show(console, {strategy_name(settled): result})
    show_notes(console, result)
    console.print(f"report: {report}", soft_wrap=True, highlight=False)


def _find_strategies_here() -> None:
    """Let a config name a strategy in the folder where the command runs, as `python script.py` would."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
