"""`onetape demo`: the first run, two strategies over the embedded real prices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from framework.commands.output import progress, run_id, save, show

if TYPE_CHECKING:
    from framework.reports.result import Result

_COSTS: dict[str, Any] = {
    "fee_per_share": 0.005,
    "fee_minimum": 1.0,
    "half_spread_bps": 1.0,
    "impact": {"model": "square_root"},
    "max_participation": 0.1,
}
RUNS: dict[str, dict[str, Any]] = {
    "momentum": {
        "strategy": "strategies.momentum:Momentum",
        "params": {"lookback": 252, "skip": 21, "top": 2},
        "data": {"source": "us_equities_daily"},
        "costs": _COSTS,
    },
    "crossover": {
        "strategy": "strategies.crossover:Crossover",
        "params": {"fast": 20, "slow": 50},
        "data": {"source": "us_equities_daily"},
        "costs": _COSTS,
    },
}
"""`configs/momentum_daily.yaml` and `configs/crossover_daily.yaml`, kept here too so that an installed wheel has them."""

CAVEAT = (
    "The prices are five US companies picked because they survived, ending in 2013. Whoever picks survivors afterwards sees profits "
    "that nobody could have known of: read these results as a picture of the software, not of the strategies."
)


def demo(out: Annotated[Path, typer.Option("--out", help="Folder in which each run gets its folder.")] = Path("runs")) -> None:
    """Run momentum and a moving-average crossover over the embedded prices, and write their reports."""
    console = Console()
    results: dict[str, Result] = {}
    reports: list[Path] = []
    with progress(console) as status:
        from framework.config import parse_run
        from framework.simulation.backtest import run

        for name, raw in RUNS.items():
            config = parse_run(raw, place=f"demo {name}")
            results[name] = result = run(config)
            status.update(f"{name}: writing its report")
            reports.append(save(result, config, out / run_id(result, config)))
            console.print(f"{name}: {len(result.equity):,} days, {len(result.orders):,} orders, {len(result.fills):,} fills")
    show(console, results)
    console.print(CAVEAT, style="yellow")
    for report in reports:
        console.print(f"report: {report}", soft_wrap=True, highlight=False)
