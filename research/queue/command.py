"""`onetape calibrate queue DATA`: models of the line against the orders of a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from framework.commands.options import AsJson, FormatName, ReaderSettings


def queue(
    paths: Annotated[list[Path], typer.Argument(metavar="DATA", help="Files of one format that tell orders, in order of time.")],
    format_name: FormatName = None,
    settings: ReaderSettings = None,
    instrument: Annotated[str | None, typer.Option("--instrument", help="Which, where there are several.")] = None,
    orders: Annotated[int, typer.Option("--orders", help="Most orders to follow.")] = 50_000,
    levels: Annotated[int, typer.Option("--levels", help="Those that join one of the best so many prices.")] = 10,
    horizons: Annotated[
        str, typer.Option("--horizons", metavar="SECONDS,...", help="Fills are counted within so many seconds, rising; and to the end.")
    ] = "1,10,60",
    start: Annotated[str | None, typer.Option("--start", help="First date or moment, UTC.")] = None,
    end: Annotated[str | None, typer.Option("--end", help="Last date or moment, UTC.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write a page with pictures here.")] = None,
    *,
    starts_empty: Annotated[bool, typer.Option("--starts-empty", help="The book is known, and empty, before its first snapshot.")] = False,
    as_json: AsJson = False,
) -> None:
    """Predict the fills of real resting orders from levels and trades, by each model of the line, and compare with their orders' truth."""
    from rich.console import Console

    from framework.commands.guess import read_guessed
    from research.queue import calibrate_queue

    recording = read_guessed(paths, format_name, settings or [])
    found = calibrate_queue(
        recording, instrument=instrument, orders=orders, levels=levels, horizons_s=_seconds(horizons), start=start, end=end,
        starts_empty=starts_empty,
    )  # fmt: skip
    typer.echo(json.dumps(found.words(), indent=1) if as_json else repr(found))
    if report is not None:
        Console(stderr=True).print(f"report: {found.report(report)}", soft_wrap=True, highlight=False)


def _seconds(text: str) -> tuple[float, ...]:
    """The numbers of a list; `calibrate_queue` says which can be."""
    from framework.errors import InputError

    try:
        return tuple(float(one) for one in text.split(","))
    except ValueError:
        raise InputError(f"--horizons {text}: rule: numbers of seconds with commas between them, such as --horizons 1,10,60") from None
