"""The command line, assembled from the entry points of group `onetape.commands`.

Each entry point's name is a command and its object a function that typer understands, or a `typer.Typer` for a command with
sub-commands. `framework`, `research`, `live` and other packages register theirs alike, so nothing here imports upward.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from framework import __version__
from framework.data.store.abandoned import remove_abandoned
from framework.errors import ConfigError, OneTapeError

GROUP = "onetape.commands"
EXIT_REFUSED = 2


class Shell(TyperGroup):
    """Shows our own errors as one clean message; anything else is a defect and keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command; exit with 2 where it raises an error meant for the user."""
        try:
            return super().invoke(ctx)
        except OneTapeError as error:
            if ctx.params.get("debug"):
                raise
            console = Console(stderr=True)
            console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(EXIT_REFUSED) from None


def assemble() -> typer.Typer:
    """The application with every command that is installed."""
    app = typer.Typer(cls=Shell, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_options)
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        command = _load(point)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=point.name)
        else:
            app.command(point.name)(command)
    return app


def main() -> None:
    """Entry point of the `onetape` script."""
    remove_abandoned()
    assemble()(prog_name="onetape")


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        typer.echo(f"onetape {__version__}")
        raise typer.Exit


def _options(
    *,
    version: Annotated[bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of errors: onetape --debug COMMAND.")] = False,
) -> None:
    """One tape of events drives research, paper trading and live trading."""


def _load(point: EntryPoint) -> Callable[..., Any]:
    """The command, or one that says why it is missing: a broken plug-in must not take the others with it."""
    try:
        command: Callable[..., Any] = point.load()
    except Exception as error:
        return _missing(point, error)
    return command


def _missing(point: EntryPoint, error: Exception) -> Callable[[], NoReturn]:
    def unavailable() -> NoReturn:
        cause = f"{type(error).__name__}: {error}"
        raise ConfigError(f"the command {point.name} ({point.value}) cannot be loaded: {cause}. Install what it needs") from error

    unavailable.__doc__ = f"Unavailable: {error}"
    return unavailable
