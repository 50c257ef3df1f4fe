"""`onetape bench`: parity, then speed, beside a hand-written loop and the peers that are installed."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from framework.data.own_folder import own_folder
from framework.errors import InputError, did_you_mean

_NAMES = ("W1", "W2", "W3", "W4", "W4R", "W4B", "startup", "data")


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[WORKLOAD]...", help="W1, W2, W3, W4, W4R, W4B, startup or data; all if not given.")
    ] = None,
    *,
    peers: Annotated[bool, typer.Option("--peers", help="Also measure the peers that `make peers` installed.")] = False,
    repeat: Annotated[int, typer.Option(help="Runs a row; the fastest counts.", min=1)] = 3,
    out: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file.")] = None,
    small: Annotated[bool, typer.Option("--small", help="Tiny workloads: to see that everything runs, not how fast.")] = False,
    long: Annotated[
        bool, typer.Option("--long", help="`startup` streams 50M quotes and 100M rows of a book; `data` imports 100M too.")
    ] = False,
    store: Annotated[
        str | None, typer.Option("--store", metavar="URL", help="An empty PostgreSQL database that `data` measures too.")
    ] = None,
    capture: Annotated[
        Path | None, typer.Option("--capture", envvar="ONETAPE_CAPTURE", metavar="FILE", help="A capture of Binance's messages, for W4B.")
    ] = None,
    clock_offset_ns: Annotated[
        int, typer.Option("--clock-offset-ns", envvar="ONETAPE_CAPTURE_OFFSET_NS", help="Added to the local stamps of the capture.")
    ] = 0,
) -> None:
    """Check that results agree, then time each engine in a process of its own and print ratios to ours.

    Exit status 1 where an engine of the same semantics came to another final equity.
    """
    from framework.bench import data, measure, startup, table, workloads
    from framework.bench.captured import Capture

    chosen = list(dict.fromkeys(names or _NAMES))
    for name in chosen:
        if name not in _NAMES:
            raise InputError(f"{name}: no such workload. {did_you_mean(name, _NAMES)}")
    console, progress = Console(), Console(stderr=True)
    if not console.is_terminal:
        console = Console(width=130)  # a file or a pipe has no width of its own
    console.print(table.machine(), highlight=False)
    rows: list[measure.Row] = []
    with tempfile.TemporaryDirectory(dir=own_folder()) as folder, progress.status("") as status:
        for name in chosen:
            if name == "startup":
                rows += startup.measure(Path(folder), peers=peers, long=long, say=status.update)
            elif name == "data":
                rows += data.measure(Path(folder), repeat, small=small, long=long, store=store, say=status.update)
            else:
                size = workloads.SMALL if small else workloads.FULL
                recorded = Capture(capture, clock_offset_ns) if capture is not None else None
                rows += measure.measure(name, size, Path(folder), repeat, peers=peers, say=status.update, capture=recorded)
            if out is not None:  # after each workload, so that a stopped run leaves what it measured
                out.write_text(json.dumps([row.as_dict() for row in rows], indent=1) + "\n")
    table.show(rows, console)
    if any(row.parity.startswith("DIFFERS") for row in rows):
        raise typer.Exit(1)
