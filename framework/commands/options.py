"""Options that several commands have alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXIT_INTERRUPTED = 130

Overrides = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting; may be repeated.")]
Strategies = Annotated[
    list[Path] | None,
    typer.Option("--strategies", metavar="DIR", help="A folder whose modules the config may name as its strategy; may be repeated."),
]
FormatName = Annotated[str | None, typer.Option("--format", help="The format; guessed from the first file if not given.")]
ReaderSettings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="An argument of the reader; repeatable.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
