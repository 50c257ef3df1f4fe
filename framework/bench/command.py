"""`onetape bench`: parity, then speed, beside a hand-written loop and the peers that are installed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from framework.data.store.own_folder import own_folder
from framework.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from framework.bench.measure import Row
    from framework.bench.paired_runs import Paired

_TIMED = ("W1", "W2", "W3", "W4", "W4R", "W4B")
_NAMES = (*_TIMED, "startup", "data")


_AGAINST = """With --pairs: unchecked (ours without checks), an engine, a mode of ours, a checkout's folder. Without: a file that --json
wrote; what got slower since is named, and the exit status is 1."""


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[WORKLOAD]...", help="W1, W2, W3, W4, W4R, W4B, startup or data; all if not given.")
    ] = None,
    *,
    peers: Annotated[bool, typer.Option("--peers", help="Also measure the peers that `make peers` installed.")] = False,
    repeat: Annotated[int, typer.Option(help="Runs a row; the fastest counts.", min=1)] = 3,
    pairs: Annotated[
        int, typer.Option(metavar="N", help="Instead time ours and each other row in turn: the median of N ratios, its lower 95 % bound.")
    ] = 0,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="WHAT", help=_AGAINST),
    ] = None,
    mode: Annotated[str | None, typer.Option(help="With --pairs: which mode of ours; the first row's if not given.")] = None,
    at_least: Annotated[
        float | None, typer.Option(metavar="RATIO", help="With --pairs: exit status 1 where a lower bound is below this.", min=0.0)
    ] = None,
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

    Exit status 1 where an engine of the same semantics came to another final equity, or something got slower.
    """
    from framework.bench import bench_table, data_speed, earlier, measure, startup, workloads
    from framework.bench import paired_runs as paired
    from framework.bench.captured import Capture

    chosen = _chosen(names, (mode, at_least), is_paired=pairs > 0)
    console, progress = _console(), Console(stderr=True)
    console.print(bench_table.machine(), highlight=False)
    size = workloads.SMALL if small else workloads.FULL
    recorded = Capture(capture, clock_offset_ns) if capture is not None else None
    before = {} if pairs else {place: earlier.saved(place) for place in against or ()}
    rows: list[measure.Row] = []
    compared: list[paired.Paired] = []
    with tempfile.TemporaryDirectory(dir=own_folder()) as folder, progress.status("") as status:
        for name in chosen:
            if pairs:
                sides = paired.sides_of(name, mode, against or (), peers=peers)
                compared += paired.measure(name, size, Path(folder), sides, pairs=pairs, say=status.update, capture=recorded)
            elif name == "startup":
                rows += startup.measure(Path(folder), peers=peers, long=long, say=status.update)
            elif name == "data":
                rows += data_speed.measure(Path(folder), repeat, small=small, long=long, store=store, say=status.update)
            else:
                rows += measure.measure(name, size, Path(folder), repeat, peers=peers, say=status.update, capture=recorded)
            _save(out, [*rows, *compared])  # after each workload, so that a stopped run leaves what it measured
    bench_table.show(rows, console)
    bench_table.show_pairs(compared, console)
    slower = bench_table.show_changes({place: earlier.changes(saved, rows, place) for place, saved in before.items()}, console)
    verdicts = [row.parity for row in rows] + [one.parity for one in compared]
    if slower or any(verdict.startswith("DIFFERS") for verdict in verdicts) or paired.falls_short(compared, at_least):
        raise typer.Exit(1)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=130)  # a file or a pipe has no width of its own


def _save(out: Path | None, made: Sequence[Row | Paired]) -> None:
    if out is not None:
        out.write_text(json.dumps([one.as_dict() for one in made], indent=1) + "\n")


def _chosen(names: Sequence[str] | None, about_pairs: Sequence[Any], *, is_paired: bool) -> list[str]:
    """The workloads to measure, checked; W4B is among those of pairs only where it is named, as it needs a capture."""
    known = _TIMED if is_paired else _NAMES
    if not is_paired and any(value is not None for value in about_pairs):
        raise InputError("--mode and --at-least are about pairs: add --pairs 15")
    for name in names or ():
        if name not in known:
            why = "not timed in pairs" if name in _NAMES else "no such workload"
            raise InputError(f"{name}: {why}. {did_you_mean(name, known)}")
    return list(dict.fromkeys(names or [name for name in known if not is_paired or name != "W4B"]))
