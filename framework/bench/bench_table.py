"""The benchmark's table: ratios to ours, losses printed like wins, what was skipped with its reason."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from framework.bench.earlier import Change
from framework.bench.engines import WORKLOADS
from framework.bench.measure import Row
from framework.bench.paired_runs import Paired


def machine() -> str:
    """The machine and the versions that decide speed, in one line."""
    processor, memory = platform.processor() or platform.machine(), 0.0
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        processor = names[0] if names else processor
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("numba", "numpy", "pandas"))
    return (
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()}, {packages}; "
        f"load {os.getloadavg()[0]:.1f} at the start"
    )


def show(rows: Sequence[Row], console: Console) -> None:
    """Print one table a workload."""
    for workload in dict.fromkeys(row.workload for row in rows):
        mine = [row for row in rows if row.workload == workload]
        if workload == "startup":
            _startup(mine, console)
        elif workload == "data":
            _data(mine, console)
        else:
            _timed(workload, mine, console)


def show_pairs(compared: Sequence[Paired], console: Console) -> None:
    """Print one table a workload of comparisons in turn."""
    for workload in dict.fromkeys(one.workload for one in compared):
        mine = [one for one in compared if one.workload == workload]
        table = Table(title=f"{workload}, in turn: {WORKLOADS[workload]}", title_justify="left", box=SIMPLE_HEAD)
        table.add_column("against", no_wrap=True)
        for name in ("pairs", "ours s", "theirs s", "ours is", "at least"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("parity", no_wrap=True)
        for one in mine:
            verdict = one.parity.partition(": ")[0]
            if one.ratio is None:
                table.add_row(one.against, *("-",) * 5, one.parity, style="dim")
                continue
            numbers = (f"{one.pairs}", f"{one.seconds:.4g}", f"{one.against_seconds:.4g}", f"{one.ratio:.3f}x", f"{one.at_least:.3f}x")
            table.add_row(one.against, *numbers, verdict, style="red" if verdict.startswith("DIFFERS") else None)
        console.print(table)
        ours = ", ".join(dict.fromkeys(f"onetape {one.version}: {one.mode}" for one in mine if one.version))
        said = f'"ours is": median of the pairs\' ratios of events/s, ours ({ours}) over theirs; "at least": its lower 95 % bound.'
        console.print(said, style="dim", highlight=False, soft_wrap=True)
        console.print()


def show_changes(since: Mapping[str, Sequence[Change]], console: Console) -> bool:
    """Print what became of the rows of earlier runs, by their files, and name what got slower; whether something did."""
    for place, changes in since.items():
        table = Table(title=f"since {place}", title_justify="left", box=SIMPLE_HEAD)
        table.add_column("ours", no_wrap=True)
        for name in ("then s", "now s", "now is", "noise to"):
            table.add_column(name, justify="right", no_wrap=True)
        for change in changes:
            numbers = f"{change.before_seconds:.4g}", f"{change.seconds:.4g}", f"{change.ratio:.2f}x", f"{change.limit:.2f}x"
            table.add_row(f"{change.workload}: {change.mode}", *numbers, style="red" if change.is_slower else None)
        console.print(table)
        slower = [f"{change.workload}: {change.mode} ({change.ratio:.2f}x)" for change in changes if change.is_slower]
        console.print(f"slower than then: {', '.join(slower) or 'nothing'}", highlight=False, soft_wrap=True)
        console.print()
    return any(change.is_slower for changes in since.values() for change in changes)


def _timed(workload: str, rows: Sequence[Row], console: Console) -> None:
    reference = next((row for row in rows if row.engine == "onetape" and row.events_per_second), None)
    table = Table(title=f"{workload}: {WORKLOADS[workload]}", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("engine", no_wrap=True)
    for name in ("events", "seconds", "M events/s", "ours is", "cold s", "peak MB"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("parity", no_wrap=True)
    remarks = []
    for row in rows:
        verdict, _, remark = row.parity.partition(": ")
        if remark:
            remarks.append(f"{_name(row)} {remark}")
        if row.seconds is None or row.events_per_second is None:
            table.add_row(_name(row), *("-",) * 6, verdict, style="dim")
            continue
        ratio = "1" if row is reference else _ratio(reference, row.events_per_second)
        numbers = (f"{row.events:,}", f"{row.seconds:.4g}", f"{row.events_per_second / 1e6:.4g}", ratio)
        memory = (f"{row.cold_seconds:.2f}", f"{row.peak_rss_mb:,.0f}")
        table.add_row(_name(row), *numbers, *memory, verdict, style="red" if verdict.startswith("DIFFERS") else None)
    console.print(table)
    if reference is not None:
        console.print(f'"ours is": events/s of {_name(reference)} over those of the row.', style="dim", highlight=False)
    for line in remarks:
        console.print(f"  {line}", style="dim", highlight=False, soft_wrap=True)
    console.print()


def _name(row: Row) -> str:
    return f"{row.engine} {row.version.removeprefix('numba ')}".strip() + f": {row.mode}"


def _ratio(reference: Row | None, theirs: float) -> str:
    if reference is None or reference.events_per_second is None:
        return "-"
    return f"{reference.events_per_second / theirs:.3g}x"


def _startup(rows: Sequence[Row], console: Console) -> None:
    table = Table(title=f"startup: {WORKLOADS['startup']}", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("what", no_wrap=True)
    for name in ("seconds", "peak MB"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("remarks")
    for row in rows:
        seconds = "-" if row.seconds is None else f"{row.seconds:.3g}"
        peak = "-" if row.peak_rss_mb is None else f"{row.peak_rss_mb:,.0f}"
        table.add_row(_name(row), seconds, peak, row.parity)
    console.print(table)


def _data(rows: Sequence[Row], console: Console) -> None:
    table = Table(title=f"data: {WORKLOADS['data']}", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("what", no_wrap=True)
    for name in ("events", "seconds", "M events/s", "peak MB"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("remarks")
    for row in rows:
        rate = (row.events_per_second or 0.0) / 1e6
        table.add_row(_name(row), f"{row.events:,}", f"{row.seconds:.3g}", f"{rate:.3g}", f"{row.peak_rss_mb:,.0f}", row.parity)
    console.print(table)
