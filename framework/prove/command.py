"""`onetape audit-strategy CONFIG`: can this backtest be believed?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

if TYPE_CHECKING:
    from framework.prove.verdict import Verdict

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
_COLOURS = {"passed": "green", "failed": "bold red", "not applicable": "yellow"}


def audit_strategy(
    config: Annotated[Path, typer.Argument(help="A YAML file, for instance configs/momentum_daily.yaml.")],
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting; may be repeated.")] = None,
    points: Annotated[
        int, typer.Option("--points", help="Into how many parts the run is divided for look-ahead; more finds rarer leaks.", min=1)
    ] = 24,
    checks: Annotated[list[str] | None, typer.Option("--check", metavar="NAME", help="Make only this check; may be repeated.")] = None,
    strategies: Annotated[
        list[Path] | None,
        typer.Option("--strategies", metavar="DIR", help="A folder whose modules the config may name as its strategy; may be repeated."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print {check: {passed, first_difference, note}} and nothing else.")] = False,
) -> None:
    """Prove a strategy: no look-ahead, enough warm-up, nothing irrelevant matters, the same in every process."""
    from framework.config import load

    settled = load(config, settings or ())
    from framework.prove.proof import trial_of, verdicts
    from framework.prove.verdict import Proof

    trial, found = trial_of(settled, points, strategies=strategies or ()), []
    shown = Console(stderr=True)
    is_whole = True
    with _bar(shown) as bar:
        task = bar.add_task("reading", total=None)

        def progress(check: str, done: int, total: int) -> None:
            bar.update(task, description=check, completed=done, total=total)

        try:
            for verdict in verdicts(trial, checks, progress):
                found.append(verdict)
                if not shown.is_terminal:
                    shown.print(f"{verdict.check}: {verdict.word}", highlight=False)
        except KeyboardInterrupt:
            is_whole = False
    proof = Proof(tuple(found))
    if as_json:
        typer.echo(json.dumps(proof.to_dict(), indent=2, allow_nan=False))
    else:
        _show(Console(), trial.subject.label, found)
    if not is_whole:
        shown.print("interrupted: the checks above are whole, the others were not made", style="yellow")
        raise typer.Exit(EXIT_INTERRUPTED)
    if not proof.passed:
        raise typer.Exit(EXIT_FAILED)


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _show(console: Console, title: str, found: list[Verdict]) -> None:
    table = Table(title=title, show_lines=True)
    for column in ("check", "verdict", "what was found"):
        table.add_column(column, overflow="fold")
    for verdict in found:
        words = f"{verdict.note}\n{verdict.first_difference}" if verdict.first_difference else verdict.note
        table.add_row(verdict.check, f"[{_COLOURS[verdict.word]}]{verdict.word}[/]", words.replace("[", r"\["))
    console.print(table)
