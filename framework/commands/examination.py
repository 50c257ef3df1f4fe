"""What an examination looks like in the terminal, as JSON and as a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.markup import escape

from framework.commands.clock import now

if TYPE_CHECKING:
    from framework.data.quality.findings import Examination
    from framework.data.tape.recording import Recording

EXIT_FINDINGS = 1
_COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}
_MOST_SENTENCES = 3


def now_ns() -> int:
    """The present second, UTC, after which nothing may be stamped."""
    import pandas as pd

    return int(pd.Timestamp(now()).as_unit("ns").value)


def is_serious(examinations: Sequence[Examination], *, strict: bool) -> bool:
    """Whether there is an error, or where `strict` a warning: then a command ends with `EXIT_FINDINGS`."""
    return any(one.worst() in (("error", "warning") if strict else ("error",)) for one in examinations)


def show(examinations: Sequence[Examination], *, notes: bool) -> None:
    """Print scores, findings with their places and ways out, and what was not looked at."""
    console = Console()
    for one in examinations:
        total = sum(one.rows.values())
        console.print(f"{one.source}: {total:,} rows, score {one.score:.1f} of 100", markup=False, highlight=False, soft_wrap=True)
        hidden = 0
        for finding in one.findings:
            if finding.severity == "note" and not notes:
                hidden += 1
                continue
            colour = _COLOURS[finding.severity]
            console.print(f"  [{colour}]{finding.severity:7}[/] [bold]{finding.rule}[/] {escape(finding.symbol)}", highlight=False)
            for sentence in (finding.sentence, *finding.examples[1:_MOST_SENTENCES]):
                console.print(f"          {sentence}", markup=False, highlight=False, soft_wrap=True)
            console.print(f"          -> {finding.way_out}", style="dim", markup=False, highlight=False, soft_wrap=True)
        for limit in one.limits:
            console.print(f"  not judged: {limit}", style="dim", markup=False, highlight=False, soft_wrap=True)
        if hidden:
            console.print(f"  {hidden} note{'s' if hidden > 1 else ''}, shown with --notes", style="dim", highlight=False)
        if not one.findings:
            console.print("  nothing found", highlight=False)


def print_json(examinations: Sequence[Examination]) -> None:
    """Print a list of examinations and nothing else."""
    typer.echo(json.dumps([one.words() for one in examinations], indent=1, ensure_ascii=False))


def write_page(path: Path, examinations: Sequence[Examination], recording: Recording) -> None:
    """Write the page with pictures."""
    from framework.reports.quality_page import render

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(examinations, recording), encoding="utf-8")
    Console(stderr=True).print(f"report: {path}", soft_wrap=True, highlight=False)
