"""`sweep()`: many sets of parameters over one tape, in one process or several, resumable; one row a set out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Unpack

from framework.config import RunConfig
from framework.config.account import check_count
from framework.data.store.abandoned import remove_abandoned
from framework.data.store.embedded import DEFAULT
from framework.engine.audit import stated
from framework.engine.code_digest import code_digest
from framework.engine.library import Folders, load_class
from framework.engine.strategy import Strategy
from framework.errors import ConfigError, WorkerLost
from framework.kernel.machine.machine_code import is_cached, source_digest
from framework.simulation.header import common_header
from framework.simulation.keywords import RunKeywords, refuse_unknown, takes_run_keywords
from framework.simulation.parameter_grid import Grid, ParameterSet, parameter_sets
from framework.simulation.run_data import Data, tape_of, tape_of_config
from framework.simulation.settings import RunSettings
from framework.simulation.sweep_result import Sweep
from framework.simulation.sweep_run import Given, Job, Row, Runner
from framework.simulation.sweep_store import Done, Store, table_of
from framework.simulation.sweep_workers import rows_by_workers


@takes_run_keywords
def sweep(
    strategy: type[Strategy],
    grid: Grid,
    data: Data = DEFAULT,
    *,
    processes: int = 1,
    out: str | Path | None = None,
    progress: bool = True,
    **keywords: Unpack[RunKeywords],
) -> Sweep:
    """Run a strategy class once for each set of parameters, over the same tape, and return one row a set.

    Args:
        strategy: a `Strategy` subclass; where it has `from_data`, each set is built by it from the same frames.
        grid: parameter to list of values (every combination; the last changes fastest), or a list of mappings, or a DataFrame with
            a column a parameter (each row a set). Every set is checked before anything runs.
        data: as in `backtest`.
        processes: 1 runs here; more start that many others. The table is the same, its column `seconds` aside.
        out: a Parquet file for the table. What is done is kept beside it (`out` and ".journal") while the sweep goes on, so that the
            same call again, after a crash too, does only what is missing. Rows of another grid with the same header are kept.
        progress: show a bar, in a terminal or notebook only.
        keywords: those of `RunKeywords`.

    Returns:
        A `Sweep`: `table`, `best(by)`, `rerun(row)`, `plot(x, y, metric)`.

    Raises:
        ConfigError: the grid cannot be run, or `out` holds another sweep; the message says which set, or what differs.
        DataError: as in `backtest`.
        WorkerLost: a process was killed.
        KeyboardInterrupt: Ctrl-C; the message says what was kept.
    """
    refuse_unknown(sweep, keywords)
    candidate: object = strategy
    if not isinstance(candidate, type) or not issubclass(candidate, Strategy):
        raise ConfigError(f"strategy must be a Strategy subclass, without brackets, since each set makes its own; got {strategy!r}")
    settings = RunSettings.of(keywords)
    job = Job(strategy, tape_of(data, keywords, settings.currency), settings)
    return _run(job, grid, {}, processes, out, progress=progress)


def sweep_config(
    config: RunConfig,
    grid: Grid,
    *,
    strategies: Folders = (),
    processes: int = 1,
    out: str | Path | None = None,
    progress: bool = True,
) -> Sweep:
    """`sweep` over the strategy, data and account of a config; its `params` hold for every set that does not say otherwise.

    `strategies` are folders whose modules the config may name, as in `framework.simulation.backtest.run`.
    """
    strategy = load_class(config.strategy, strategies=strategies)
    job = Job(strategy, tape_of_config(config), RunSettings.of_config(config))
    return _run(job, grid, config.params, processes, out, progress=progress)


def _run(job: Job, grid: Grid, fixed: Given, processes: int, out: str | Path | None, *, progress: bool) -> Sweep:
    remove_abandoned()
    check_count("processes", processes)
    common = stated(common_header(job.strategy, job.tape, job.settings))
    sets = parameter_sets(job.strategy, grid, common, fixed)
    header = {**common, "code": code_digest(job.strategy), "kernel": source_digest()}
    store = None if out is None else Store(out, header, {name: version(name) for name in ("numpy", "numba", "pandas", "pyarrow")})
    done = {} if store is None else store.done
    missing = [(position, one.given) for position, one in enumerate(sets) if one.digest not in done]
    kept = len(sets) - len(missing)
    try:
        with _bar(shown=progress) as advance, closing(_rows(job, missing, processes)) as batches:
            advance(kept, len(sets))
            for rows in batches:
                new = [(sets[position].digest, Done(sets[position].parameters, values, error)) for position, values, error in rows]
                done.update(new)
                if store is not None:
                    store.add(new)
                kept += len(rows)
                advance(kept, len(sets))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped: {_state(kept, sets, store)}") from None
    except WorkerLost as error:
        raise WorkerLost(f"{error}. {_state(kept, sets, store)}") from error
    finally:
        if store is not None:
            store.close()
    order = [one.digest for one in sets]
    if store is not None and not (store.is_whole and store.path.exists()):
        store.finish(order)
    table = table_of([(one.digest, replace(done[one.digest], parameters=one.parameters)) for one in sets])
    return Sweep(table, job, tuple(sets), {**header}, None if store is None else store.path, len(sets) - len(missing))


def _rows(job: Job, missing: Sequence[tuple[int, Given]], processes: int) -> Generator[list[Row]]:
    if missing:
        yield from Runner(job).rows(missing) if processes == 1 else rows_by_workers(job, missing, processes)


def _state(kept: int, sets: Sequence[ParameterSet], store: Store | None) -> str:
    if store is None:
        return f"{kept:,} of {len(sets):,} sets were done and are lost, because no `out` was given"
    return f"{kept:,} of {len(sets):,} sets are kept in {store.journal}; the same call again does the others"


@contextmanager
def _bar(*, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal or in a notebook; elsewhere nothing. Yields what is told how many of how many are done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not shown or not (console.is_terminal or console.is_jupyter):
        yield lambda done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("sweep" if is_cached() else "compiling the kernel, once, then the sweep", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
