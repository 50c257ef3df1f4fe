"""`onetape sweep CONFIG --grid fast=5,10,20`: many sets of parameters over one config's data, one table."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from framework.commands.options import EXIT_INTERRUPTED, Overrides, Strategies

if TYPE_CHECKING:
    from framework.simulation.sweep_result import Sweep


def sweep(
    config: Annotated[Path, typer.Argument(help="A YAML file, for instance configs/crossover_daily.yaml.")],
    grid: Annotated[list[str], typer.Option("--grid", metavar="NAME=VALUES", help="Values of a parameter, 5,10,20; may be repeated.")],
    settings: Overrides = None,
    processes: Annotated[int, typer.Option("--processes", help="How many processes share the work.", min=1)] = 1,
    out: Annotated[Path | None, typer.Option("--out", help="The Parquet file; runs/sweep-<strategy>.parquet if not given.")] = None,
    by: Annotated[str, typer.Option("--by", help="The column by which rows are ranked.")] = "sharpe",
    top: Annotated[int, typer.Option("--top", help="How many rows are shown.", min=1)] = 10,
    strategies: Strategies = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the shown rows as JSON and nothing else.")] = False,
) -> None:
    """Run every combination of parameter values; what is done is kept, so that the same command goes on where it was stopped."""
    from framework.config import load

    settled = load(config, settings or ())
    values = read_grid(grid)
    from framework.simulation.sweep import sweep_config

    target = out or Path("runs") / f"sweep-{settled.strategy.rpartition(':')[2].lower()}.parquet"
    try:
        swept = sweep_config(settled, values, strategies=strategies or (), processes=processes, out=target)
    except KeyboardInterrupt as stopped:
        Console(stderr=True).print(str(stopped), style="yellow", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    ranked = swept.ranked(by).head(top)
    if as_json:
        rows = [{name: _json(value) for name, value in row.items()} for row in ranked.to_dict("records")]
        typer.echo(json.dumps({"rows": rows, "table": str(target), "notes": list(swept.notes)}, indent=2, allow_nan=False, default=str))
        return
    _show(swept, by, top)
    Console().print(f"table: {target}", soft_wrap=True, highlight=False)


def read_grid(texts: list[str]) -> dict[str, list[Any]]:
    """Values by parameter from texts such as "fast=5,10,20"; values are read as YAML.

    >>> read_grid(["fast=5,10", "share=0.5"])
    {'fast': [5, 10], 'share': [0.5]}
    """
    from framework.config.text import parse_value
    from framework.errors import ConfigError

    grid: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, listed = text.partition("=")
        name = name.strip()
        if not equals or not name or not listed.strip():
            raise ConfigError(f"--grid {text}: must look like name=value,value, for instance fast=5,10,20")
        if name in grid:
            raise ConfigError(f"--grid {text}: {name} is given twice; put all its values into one --grid")
        values = parse_value(f"[{listed}]", f"--grid {text}")
        grid[name] = list(values)
    return grid


def _show(swept: Sweep, by: str, top: int) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from framework.reports.format import label
    from framework.simulation.sweep_result import text_of

    columns = swept.columns(by)
    rows = [[text_of(name, one[name]) for name in columns] for _, one in swept.ranked(by).head(top).iterrows()]
    table = Table(title=f"Best of {len(swept.table):,} sets by {label(by).lower()}", box=SIMPLE_HEAD)
    for k, name in enumerate(columns):
        table.add_column(label(name), justify="right", min_width=max(len(row[k]) for row in rows))  # a number cut short says nothing
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print(table)
    for note in swept.notes:
        console.print(f"- {note}", style="yellow", markup=False, highlight=False)
    if swept.found:
        console.print(f"{swept.found:,} of these sets were in the file already.", highlight=False)
    failed = swept.table[swept.table["error"] != ""]
    if len(failed):
        console.print(f"- {len(failed):,} failed, the first with: {failed['error'].iloc[0]}", style="yellow", markup=False, highlight=False)


def _json(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
