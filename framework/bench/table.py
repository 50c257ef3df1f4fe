"""The benchmark's table: ratios to ours, losses printed like wins, what was skipped with its reason."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from framework.bench.engines import WORKLOADS
from framework.bench.measure import Row


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
        else:
            _timed(workload, mine, console)


def _timed(workload: str, rows: Sequence[Row], console: Console) -> None:
    reference = next((row for row in rows if row.engine == "onetape" and row.events_per_second), None)
    table = Table(title=f"{workload}: {WORKLOADS[workload]}", title_justify="left")
    table.add_column("engine")
    table.add_column("mode")
    for name in ("events", "seconds", "M events/s", "ours is", "cold s", "peak MB"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("parity")
    for row in rows:
        name = f"{row.engine} {row.version.removeprefix('numba ')}" if row.engine != "hand_loop" else row.engine
        if row.seconds is None or row.events_per_second is None:
            table.add_row(name.strip(), row.mode, *("-",) * 6, row.parity, style="dim")
            continue
        ratio = "-" if reference is None or row is reference else _ratio(reference.events_per_second, row.events_per_second)
        table.add_row(
            name,
            row.mode,
            f"{row.events:,}",
            f"{row.seconds:.4g}",
            f"{row.events_per_second / 1e6:.4g}",
            ratio,
            f"{row.cold_seconds:.2f}",
            f"{row.peak_rss_mb:,.0f}",
            row.parity,
            style="red" if row.parity.startswith("DIFFERS") else None,
        )
    console.print(table)
    if reference is not None:
        console.print(f'"ours is": events/s of onetape {reference.mode}, divided by the row\'s.', style="dim", highlight=False)


def _ratio(ours: float | None, theirs: float) -> str:
    return "-" if ours is None else f"{ours / theirs:.3g}x"


def _startup(rows: Sequence[Row], console: Console) -> None:
    table = Table(title=f"startup: {WORKLOADS['startup']}", title_justify="left")
    table.add_column("engine")
    table.add_column("what")
    for name in ("seconds", "peak MB"):
        table.add_column(name, justify="right")
    table.add_column("remarks")
    for row in rows:
        seconds = "-" if row.seconds is None else f"{row.seconds:.3g}"
        peak = "-" if row.peak_rss_mb is None else f"{row.peak_rss_mb:,.0f}"
        table.add_row(f"{row.engine} {row.version}".strip(), row.mode, seconds, peak, row.parity)
    console.print(table)
