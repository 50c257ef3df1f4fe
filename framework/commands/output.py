"""What a run leaves behind: a table in the terminal and a folder of files."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.status import Status

from framework.kernel.machine.machine_code import is_cached

if TYPE_CHECKING:
    from framework.config import RunConfig
    from framework.reports.result import Result

_ROWS = (
    *("total_return", "annual_return", "annual_volatility", "sharpe", "sortino", "calmar", "max_drawdown"),
    *(
        "round_trips",
        "hit_rate",
        "profit_factor",
        "average_win",
        "average_loss",
        "average_duration_days",
        "trades",
        "turnover",
        "exposure",
        "beta",
        "alpha",
    ),
)


def progress(console: Console) -> Status:
    """A spinner that says what is waited for; the first run compiles the kernel. Where nothing can spin, one line of text."""
    text = "running" if is_cached() else "compiling the kernel, once: this may take half a minute and is remembered"
    if os.environ.get("ONETAPE_PLAIN_NUMBA") == "1":
        text = "compiling the kernel with plain numba: this takes minutes and is not remembered"
    if not console.is_terminal:
        console.print(text)
    return console.status(text)


def show(console: Console, results: Mapping[str, Result]) -> None:
    """Print one column a run and one row a metric."""
    from rich.table import Table

    from framework.reports.format import amount, card_text, label

    table = Table(title="Summary")
    table.add_column("")
    for name in results:
        table.add_column(name, justify="right")
    runs = [(result, result.tables.currency) for result in results.values()]
    for row in _ROWS:
        if any(row in result.metrics.index for result, _ in runs):
            table.add_row(label(row), *(card_text(row, float(result.metrics.get(row, math.nan)), currency) for result, currency in runs))
    table.add_row("Final equity", *(amount(float(run.equity.iloc[-1]), currency) if len(run.equity) else "" for run, currency in runs))
    table.add_row("Costs", *(amount(float(result.costs.sum()), currency) for result, currency in runs))
    console.print(table)


def show_notes(console: Console, result: Result) -> None:
    """Print what a reader must know before believing the numbers."""
    for note in result.notes:
        console.print(f"- {note}", style="yellow", markup=False, highlight=False)


def strategy_name(config: RunConfig) -> str:
    """The class name of the strategy."""
    return config.strategy.rpartition(":")[2]


def run_id(result: Result, config: RunConfig) -> str:
    """Name and eight hex digits of what was asked (the config) and what happened (the audit): the same run gets the same id."""
    from framework.config import digest

    happened = hashlib.sha256(f"{digest(config)}{result.audit_hash}".encode()).hexdigest()
    return f"{strategy_name(config).lower()}-{happened[:8]}"


def save(result: Result, config: RunConfig, folder: Path) -> Path:
    """Write a run's files into `folder`, over those of an earlier run, and return the report's path."""
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    config_text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    (folder / "config.yaml").write_text(config_text, encoding="utf-8")
    (folder / "metrics.json").write_text(json.dumps(_metrics(result), indent=2) + "\n", encoding="utf-8")
    for name in ("fills", "orders", "round_trips", "trades", "positions"):
        getattr(result, name).to_parquet(folder / f"{name}.parquet")
    result.equity.to_frame("equity").to_parquet(folder / "equity.parquet")
    result.audit.save(folder / "audit.bin")
    result.audit.to_parquet(folder / "audit.parquet")
    return result.report(folder / "report.html")


def _metrics(result: Result) -> dict[str, object]:
    """Metrics and the audit's hash; JSON has no NaN or infinity, so these become null."""
    numbers = {str(name): float(value) if math.isfinite(value) else None for name, value in result.metrics.items()}
    early = {"ended_early": result.ended_early} if result.ended_early else {}
    return {**numbers, "audit_hash": result.audit_hash, **early}
