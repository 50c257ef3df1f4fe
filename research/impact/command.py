"""`onetape calibrate impact DATA`: price impact from trades and quotes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from framework.commands.options import AsJson, FormatName, ReaderSettings

if TYPE_CHECKING:
    from framework.data.tape.recording import Recording
    from research.impact.calibration import ImpactCalibration


def impact(
    data: Annotated[list[str], typer.Argument(help="A dataset's name, or files of one format with trades and quotes or books.")],
    format_name: FormatName = None,
    settings: ReaderSettings = None,
    symbol: Annotated[str | None, typer.Option("--instrument", help="Which, where there are several.")] = None,
    bar_s: Annotated[float, typer.Option("--bar", metavar="SECONDS", help="Length of the bars whose net flow is measured.")] = 60.0,
    lags: Annotated[int, typer.Option("--lags", help="Longest lag of the response, in trades.")] = 100,
    settle_bars: Annotated[int, typer.Option("--settle", help="Bars after which what is left of a move counts as permanent.")] = 1,
    daily_volume: Annotated[float | None, typer.Option("--daily-volume", help="Units; if not given, what the data have.")] = None,
    day_hours: Annotated[float | None, typer.Option("--day-hours", help="Hours of a trading day; its sessions' if not given.")] = None,
    draws: Annotated[int, typer.Option("--draws", help="Of the bootstrap behind the standard errors.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Of the draws.")] = 0,
    report: Annotated[Path | None, typer.Option("--report", help="Write a page with pictures here.")] = None,
    costs: Annotated[Path | None, typer.Option("--costs", help="Write the section `costs` of a config here, as YAML.")] = None,
    *,
    starts_empty: Annotated[bool, typer.Option("--starts-empty", help="The book is known, and empty, before its first snapshot.")] = False,
    as_json: AsJson = False,
) -> None:
    """Estimate price impact: the response to trades and its decay, the square-root law, permanent and temporary impact."""
    from research.impact.calibration import calibrate_impact

    found = calibrate_impact(
        recording_of_data(data, format_name, settings or []), symbol, bar_s=bar_s, lags=lags, settle_bars=settle_bars,
        daily_volume=daily_volume, day_hours=day_hours, draws=draws, seed=seed, starts_empty=starts_empty,
    )  # fmt: skip
    if as_json:
        typer.echo(found.to_json())
    else:
        _show(found)
    note = Console(stderr=True)
    if report is not None:
        note.print(f"report: {found.report(report)}", soft_wrap=True, highlight=False)
    if costs is not None:
        write_costs(found, costs)
        note.print(f"costs: {costs}", soft_wrap=True, highlight=False)


def recording_of_data(data: list[str], format_name: str | None, settings: list[str]) -> Recording:
    """Files, or a dataset by its name.

    Raises:
        DataError: neither; else as the catalog and the readers say.
    """
    from framework.commands.guess import read_guessed
    from framework.data import catalog
    from framework.errors import DataError, did_you_mean

    if len(data) == 1 and not Path(data[0]).exists():
        if not catalog.has(data[0]):
            raise DataError(f"{data[0]}: neither a file nor a dataset. {did_you_mean(data[0], catalog.names())}")
        return catalog.open(data[0])
    return read_guessed([Path(one) for one in data], format_name, settings)


def write_costs(found: ImpactCalibration, path: Path) -> None:
    """Write what `backtest` takes as costs, and beside it, in comments, where it comes from."""
    import yaml

    estimate = next(one for one in found.found if one.name == "square_root_coefficient")
    head = [
        f"# {found.symbol}, {found.trades:,} taker orders, {found.bars:,} bars of {found.bar_s:g} s, from {found.source}",
        f"# coefficient {estimate.value:.4g}, standard error {estimate.standard_error:.2g}, halves {estimate.first_half:.4g} and "
        f"{estimate.second_half:.4g}",
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    words: dict[str, Any] = {"costs": found.costs()}
    path.write_text("\n".join([*head, yaml.safe_dump(words, sort_keys=False)]), encoding="utf-8")


def _show(found: ImpactCalibration) -> None:
    from research.impact.page import number

    console = Console()
    console.print(
        f"{found.symbol}: {found.trades:,} taker orders, one in {found.seconds_a_trade:.3g} s; {found.bars:,} bars of {found.bar_s:g} s; "
        f"{found.days:.3g} trading days; {found.daily_volume:,.4g} units and {found.daily_volatility:.2%} a day; "
        f"half spread {found.half_spread * 1e4:.3g} bps",
        highlight=False,
        soft_wrap=True,
    )
    heads = ("value", "error", "n", "R2", "1st half", "2nd half", "R2 2nd by 1st")
    console.print(f"{'':<24}" + "".join(f"{head:>14}" for head in heads), style="bold", highlight=False, soft_wrap=True)
    for one in found.found:
        cells = [number(value) for value in (one.r2, one.first_half, one.second_half, one.r2_out)]
        line = [number(one.value), number(one.standard_error), f"{one.count:,}", *cells]
        console.print(f"{one.name:<24}" + "".join(f"{cell:>14}" for cell in line), highlight=False, soft_wrap=True)
    words = found.decay.words()
    terms = ", ".join(f"{term['weight']:.3g} at {term['half_life_s']:.3g} s" for term in words) or "nothing"
    console.print(f"stays {found.decay.permanent:.3g}; fades: {terms} (weight at half-life)", highlight=False, soft_wrap=True)
    for note in found.notes:
        console.print(f"- {note}", style="yellow", markup=False, highlight=False, soft_wrap=True)
