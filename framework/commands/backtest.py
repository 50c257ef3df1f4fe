"""`onetape backtest CONFIG`: one config over its data, everything about it in one folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from framework.commands.options import EXIT_INTERRUPTED, Overrides, Strategies
from framework.commands.output import progress, run_id, save, show, show_notes, strategy_name
from framework.errors import ConfigError, OneTapeError

if TYPE_CHECKING:
    from framework.config import RunConfig


def backtest(
    config: Annotated[Path, typer.Argument(help="A YAML file, for instance configs/momentum_daily.yaml.")],
    settings: Overrides = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the run's files; runs/<id> if not given.")] = None,
    strategies: Strategies = None,
) -> None:
    """Run a config over its data; write report, config, metrics, tables and audit."""
    from framework.config import load

    settled = load(config, settings or ())  # before anything slow, so that a typo is told at once
    if out is not None and out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out}: is a file; name a folder, which is made if there is none")
    console = Console()
    try:
        with progress(console) as status:
            from framework.simulation.backtest import run

            result = run(settled, strategies=strategies or ())
            status.update("writing the report")
            report = save(result, settled, out or Path("runs") / run_id(result, settled))
    except KeyboardInterrupt as stopped:
        if not _save_part(stopped, settled, out, "interrupted"):
            _say("interrupted before the run began; nothing was written")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    except OneTapeError as error:
        if out is not None:
            _save_part(error, settled, out, "the run failed")
        raise
    show(console, {strategy_name(settled): result})
    show_notes(console, result)
    console.print(f"report: {report}", soft_wrap=True, highlight=False)


def _save_part(error: BaseException, config: RunConfig, out: Path | None, what: str) -> bool:
    """Write the run up to where it ended early and say so; nothing where it had not begun. Returns whether it had."""
    result = getattr(error, "result", None)
    if result is None:
        return False
    report = save(result, config, out or Path("runs") / run_id(result, config))
    _say(f"{what}; what was written is only a part of the run\nreport: {report}")
    return True


def _say(text: str) -> None:
    Console(stderr=True).print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)
