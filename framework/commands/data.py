"""`onetape data`: keep datasets, list them, look into them, check them, give them away, remove them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from framework.commands import examination
from framework.commands.clock import now
from framework.commands.options import AsJson, ReaderSettings

if TYPE_CHECKING:
    from framework.data.quality.findings import Examination
    from framework.data.store.manifest import Manifest

EXIT_DAMAGED = 1

data = typer.Typer(help="The datasets that a config can name.", invoke_without_command=True)

Root = Annotated[str | None, typer.Option("--root", help="Folder or URL of the datasets; ONETAPE_DATA if not given.")]
Name = Annotated[str, typer.Argument(help="A dataset; NAME@2 for a version.")]


@data.callback()
def _alone(context: typer.Context) -> None:
    """List datasets, or do one of the commands below."""
    if context.invoked_subcommand is None:
        list_datasets()


@data.command("ls")
def list_datasets(root: Root = None, *, as_json: AsJson = False) -> None:
    """List the datasets that a config can name, with their span, origin and faults."""
    from framework.data.store import catalog

    console = Console()
    rows = []
    for name in catalog.names(root):
        found = catalog.versions(name, root)
        if as_json:
            rows.append({"name": name, "embedded": not found, "versions": found, "description": catalog.describe(name, root)})
            continue
        console.print(name, style="bold")
        console.print(f"  {catalog.describe(name, root)}", markup=False, highlight=False)
    if as_json:
        typer.echo(json.dumps(rows, indent=2))


@data.command()
def show(name: Name, root: Root = None, *, as_json: AsJson = False) -> None:
    """Show what a dataset holds: instruments, kinds, span, files, where it came from."""
    from framework.data.store import catalog

    if catalog.is_embedded(name):
        description = catalog.describe(name)
        typer.echo(json.dumps({"name": name, "embedded": True, "description": description}, indent=2) if as_json else description)
        return
    found = catalog.manifest(name, root)
    if as_json:
        typer.echo(found.to_json(), nl=False)
        return
    _show(found)


@data.command("import")
def import_paths(
    format_name: Annotated[str, typer.Argument(metavar="FORMAT", help="A format; a wrong one lists those that are there.")],
    paths: Annotated[list[str], typer.Argument(help="Files, folders or URLs; files of the same instruments in order of time.")],
    name: Annotated[str, typer.Option("--name", help="What the dataset is called.")],
    licence: Annotated[str, typer.Option("--licence", help="Under which licence the data may be used.")],
    settings: ReaderSettings = None,
    partition_by: Annotated[str, typer.Option("--by", help="Period of a file: day, month or year.")] = "month",
    finer: Annotated[list[Path] | None, typer.Option("--finer", help="Finer data, to prove what bars are stamped at.")] = None,
    finer_settings: Annotated[list[str] | None, typer.Option("--finer-set", metavar="KEY=VALUE", help="As --set, for --finer.")] = None,
    root: Root = None,
    *,
    restart: Annotated[bool, typer.Option("--restart", help="Forget what an interrupted import has left.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep files as a dataset. The same command goes on where it was stopped.

    With --finer bars are kept at their closes: opens are moved, and stamps that the finer data do not prove are refused.
    """
    from framework.commands.formats import recording_of, without_password
    from framework.data.store import catalog

    recording = recording_of(format_name, paths, settings or [])
    if finer:
        from framework.commands.guess import read_guessed
        from framework.data.quality.bar_stamps import closed_bars

        recording = closed_bars(recording, read_guessed(finer, None, finer_settings or []))
    made_by = f"onetape data import {format_name} {' '.join(map(without_password, paths))}" + "".join(
        f" --set {word}" for word in settings or ()
    )
    with _counting(f"importing {name}", quiet=as_json) as progress:
        found = catalog.import_recording(
            name, recording, root=root, licence=licence, created=now(), made_by=made_by,
            partition_by=partition_by, restart=restart, progress=progress,  # type: ignore[arg-type]  # refused there by name
        )  # fmt: skip
    if as_json:
        typer.echo(found.to_json(), nl=False)
        return
    _show(found)


@data.command()
def check(
    name: Name,
    root: Root = None,
    calendar: Annotated[str | None, typer.Option("--calendar", help="Where it trades, such as XNYS or 24/7.")] = None,
    against: Annotated[str | None, typer.Option("--against", help="A dataset of the same instrument to compare with.")] = None,
    symbol: Annotated[str | None, typer.Option("--instrument", help="Which to compare, where there are several.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write a page with pictures here.")] = None,
    *,
    checksums: Annotated[bool, typer.Option("--checksums", help="Only whether it is as imported, not whether it is good.")] = False,
    notes: Annotated[bool, typer.Option("--notes", help="Show notes, too.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 for warnings, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare a dataset with its manifest, then examine it; exits with 1 where it is damaged or has an error."""
    from framework.data.store import catalog

    found = catalog.manifest(name, root)
    with _counting(f"checking {name}", total=found.rows, quiet=as_json) as progress:
        wrong = catalog.check(name, root, progress)
    examinations: list[Examination] = []
    if not wrong and not checksums:
        with _counting(f"examining {name}", total=found.rows, quiet=as_json) as progress:
            examinations = _examined(name, root, calendar, against, symbol, progress)
    if as_json:
        words = {"name": f"{found.name}@{found.version}", "rows": found.rows, "wrong": wrong}
        typer.echo(json.dumps(words | {"examinations": [one.words() for one in examinations]}, indent=2))
    else:
        for sentence in wrong:
            Console().print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
        if not wrong:
            typer.echo(f"{found.name}@{found.version}: {found.rows:,} events in {len(found.partitions):,} files, all as imported")
        examination.show(examinations, notes=notes)
    if report is not None and examinations:
        examination.write_page(report, examinations, catalog.open(name, root=root))
    if wrong or examination.is_serious(examinations, strict=strict):
        raise typer.Exit(EXIT_DAMAGED)


def _examined(
    name: str, root: str | None, calendar: str | None, against: str | None, symbol: str | None, progress: Callable[[int], None]
) -> list[Examination]:
    from framework.data.quality.compare import compare
    from framework.data.quality.examine import examine
    from framework.data.store import catalog

    recording = catalog.open(name, root=root)
    made = [examine(recording, calendar=calendar, now_ns=examination.now_ns(), progress=progress)]
    if against is not None:
        made.append(compare(recording, catalog.open(against, root=root), symbol=symbol))
    return made


@data.command()
def repair(
    name: Name,
    root: Root = None,
    shift: Annotated[float, typer.Option("--shift", help="Seconds added to all stamps.")] = 0.0,
    time_zone: Annotated[str | None, typer.Option("--zone", help="The stamps are wall times of it, not UTC: put them right.")] = None,
    rescale: Annotated[float | None, typer.Option("--rescale", help="Factor of prices, 0.01 where cents were taken for dollars.")] = None,
    start: Annotated[str | None, typer.Option("--start", help="First date or moment that --shift and --rescale change, UTC.")] = None,
    end: Annotated[str | None, typer.Option("--end", help="Last date or moment that they change, UTC.")] = None,
    fill_from: Annotated[str | None, typer.Option("--fill-from", help="A dataset whose rows fill the gaps.")] = None,
    *,
    drop_duplicates: Annotated[bool, typer.Option("--drop-duplicates", help="Keep one of rows that are told twice.")] = False,
    drop_future: Annotated[bool, typer.Option("--drop-future", help="Drop rows stamped after now.")] = False,
    drop_spikes: Annotated[bool, typer.Option("--drop-spikes", help="Drop rows whose price stands alone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a new version of a dataset with the repairs that are asked for, each told in its log; nothing else is changed."""
    from dataclasses import replace

    from framework.data.quality.repair import Repairs
    from framework.data.quality.repair import repair as repaired
    from framework.data.store import catalog
    from framework.data.tape.stamps import bounds_ns

    found = catalog.manifest(name, root)
    asked = Repairs(
        drop_duplicates=drop_duplicates, drop_future_ns=examination.now_ns() if drop_future else None, shift_ns=round(shift * 1e9),
        time_zone=time_zone, rescale=rescale, between=bounds_ns(start, end), drop_spikes=drop_spikes,
        fill_from=None if fill_from is None else catalog.open(fill_from, root=root),
    )  # fmt: skip
    version = f"{found.name}@{found.version}"
    recording, log = repaired(catalog.open(version, root=root), asked)
    if not log:
        typer.echo(json.dumps({"name": version, "repairs": []}) if as_json else f"{version}: nothing to repair, no version was made")
        return
    with _counting(f"repairing {name}", total=found.rows, quiet=as_json) as progress:
        made = catalog.import_recording(
            found.name, replace(recording, source=found.source), root=root, licence=found.licence, created=now(),
            made_by=f"onetape data repair {version}", repairs=(*found.repairs, *log), partition_by=found.partition_by, progress=progress,
        )  # fmt: skip
    if as_json:
        typer.echo(made.to_json(), nl=False)
        return
    _show(made)


@data.command()
def export(
    name: Name,
    target: Annotated[Path, typer.Argument(help="A file that does not exist yet, ending in .parquet or .csv.")],
    instruments: Annotated[list[str] | None, typer.Option("--instrument", help="A symbol; may be repeated.")] = None,
    kinds: Annotated[list[str] | None, typer.Option("--kind", help="A kind of event, such as trade; may be repeated.")] = None,
    start: Annotated[str | None, typer.Option("--start", help="First date or moment, UTC.")] = None,
    end: Annotated[str | None, typer.Option("--end", help="Last date or moment, UTC.")] = None,
    root: Root = None,
) -> None:
    """Write the events of a dataset into one file: integer ticks and lots, symbols and kinds by name."""
    from framework.commands.formats import write_table
    from framework.data.store import catalog

    recording = catalog.open(name, instruments=instruments or None, kinds=kinds or None, start=start, end=end, root=root)
    with _counting(f"writing {target}") as progress:
        rows = write_table(recording, target, progress)
    typer.echo(f"{target}: {rows:,} events")


@data.command()
def rm(name: Name, root: Root = None, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove a version of a dataset; NAME alone is the newest."""
    from framework.data.store import catalog

    found = catalog.manifest(name, root)
    if not yes:
        typer.confirm(f"Remove {found.name}@{found.version}, {found.rows:,} events from {found.source}?", abort=True)
    typer.echo(f"removed {catalog.remove(f'{found.name}@{found.version}', root)}")


def _show(found: Manifest) -> None:
    import numpy as np
    from rich.table import Table

    table = Table(title=f"{found.name}@{found.version}", show_header=False)
    stamps = [f"{np.datetime64(stamp, 'ns')}Z" for stamp in (found.first_ns, found.last_ns)]
    symbols = [instrument.symbol for instrument in found.instruments]
    rows: dict[str, Any] = {
        "instruments": f"{len(symbols):,}: {', '.join(symbols[:12])}{' ...' if len(symbols) > 12 else ''}",
        **{kind: f"{count:,}" for kind, count in found.kinds.items()},
        "first": stamps[0],
        "last": stamps[1],
        "files": f"{len(found.partitions):,}, {found.size / 1e6:,.1f} MB",
        "source": found.source,
        "made by": found.made_by,
        "licence": found.licence,
        "created": found.created or "not said",
        "digest": found.digest(),
    }
    for word, value in rows.items():
        table.add_row(word, str(value))
    console = Console()
    console.print(table)
    for note in (*found.notes, *(f"repaired: {repair}" for repair in found.repairs)):
        console.print(f"- {note}", style="yellow", markup=False, highlight=False)


@contextmanager
def _counting(text: str, *, total: int | None = None, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """A bar that counts events, on the error stream so that output can be piped; nothing where `quiet`."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as progress:
        task = progress.add_task(text, total=total)
        yield lambda done: progress.update(task, completed=done)
