"""A sweep in several processes: each maps the same tape file into its memory, read-only, and gets sets through a pipe."""

from __future__ import annotations

import multiprocessing
import multiprocessing.util
import os
import signal
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import numpy as np

from framework.data.store.own_folder import own_folder
from framework.errors import ConfigError, OneTapeError, WorkerLost
from framework.kernel.machine.machine_code import is_cached
from framework.simulation.sweep_run import REPORT_SECONDS, Given, Job, Row, Runner

_MOST_AT_ONCE = 64
"""Sets that a worker is given at once, at most."""

_LONGEST_SOCKET = 107
"""Letters of a socket's path, which the system limits. Where TMPDIR is longer, multiprocessing's folder stays where it was."""


def rows_by_workers(job: Job, sets: Sequence[tuple[int, Given]], processes: int) -> Iterator[list[Row]]:
    """Run sets in `processes` processes; rows come out as they are done, in no order.

    Raises:
        ConfigError: another process could not import the strategy.
        WorkerLost: a process ended before its work.
    """
    refuse_what_cannot_be_sent(job.strategy)
    waiting = deque(sets)
    if not is_cached() and waiting:  # the kernel is compiled once and not by every process
        yield [Runner(job).row(*waiting.popleft())]
    with tempfile.TemporaryDirectory(prefix="sweep-", dir=own_folder()) as folder:
        path = Path(folder) / "tape.npy"
        np.save(path, job.tape.events)
        workers = [_Worker(job, path) for _ in range(min(processes, len(waiting)))]
        try:
            yield from _served(workers, waiting, path)
        finally:
            for worker in workers:
                worker.stop()


def refuse_what_cannot_be_sent(strategy: type) -> None:
    """Refuse a strategy that another process cannot import, and a process that was started only to work."""
    module, name = strategy.__module__, strategy.__qualname__
    if multiprocessing.parent_process() is not None:
        raise ConfigError(
            "sweep(processes=...) was called while a worker process imported the script that calls it; "
            'put the call below `if __name__ == "__main__":`, or use processes=1'
        )
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    is_script = Path(getattr(sys.modules["__main__"], "__file__", None) or "no file").is_file()
    if found is not strategy or (module == "__main__" and not is_script):
        raise ConfigError(
            f"{module}:{name} cannot be imported by another process, because it was made in a notebook, a shell or a function; "
            "put it at the top of a module of its own, or use processes=1"
        )


def _context() -> Any:
    """How workers are started: forked from a server without threads, which stays for the next sweep, or each from nothing."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    _keep_sockets_here()
    context.set_forkserver_preload(["framework.simulation.sweep_warm"])
    return context


def _keep_sockets_here() -> None:
    """Let multiprocessing make its folder, where the server listens, inside ours, so that it goes with it."""
    folder = str(own_folder())
    if len(f"{folder}/pymp-12345678/listener-12345678") > _LONGEST_SOCKET:
        return
    before, tempfile.tempdir = tempfile.tempdir, folder
    try:
        multiprocessing.util.get_temp_dir()  # keeps the folder that it has, where it has one
    finally:
        tempfile.tempdir = before


class _Worker:
    """A process and what it was given."""

    def __init__(self, job: Job, path: Path) -> None:
        context = _context()
        self.pipe, far = context.Pipe()
        empty = job.over(job.tape.events[:0].copy())
        self.process = context.Process(target=work, args=(far, empty, str(path), dict(os.environ)), daemon=True)
        with _deaf_to_interrupts(), _same_modules():
            self.process.start()
        far.close()  # held by the worker alone, so that its end closes the pipe
        self.running = 0
        self.size = 1
        self.is_ready = False

    def give(self, waiting: deque[tuple[int, Given]], workers: int) -> None:
        """Hand over as many sets as fill the time between two reports, and leave others their share."""
        if not waiting or self.running > self.size // 2:
            return
        count = max(1, min(self.size, len(waiting) // (2 * workers), _MOST_AT_ONCE))
        chosen = [waiting.popleft() for _ in range(min(count, len(waiting)))]
        self.pipe.send(chosen)
        self.running += len(chosen)

    def take(self) -> list[Row]:
        """The rows it has sent; none where it says that it has mapped the tape."""
        message: list[Row] | OneTapeError = self.pipe.recv()
        if isinstance(message, BaseException):
            raise message
        self.is_ready = True
        if not message:
            return []
        self.running -= len(message)
        mean = sum(values[-1] for _, values, _ in message) / len(message)
        self.size = max(1, min(_MOST_AT_ONCE, int(2 * REPORT_SECONDS / max(mean, 1e-6))))
        return message

    def stop(self) -> None:
        """End it, whatever it does."""
        self.pipe.close()
        self.process.kill()
        self.process.join()


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Start processes that ignore Ctrl-C from their first moment: a terminal sends it to all, and the one that asked ends the others."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _same_modules() -> Iterator[None]:
    """Start processes that find modules where this one does, from their first on, and none in the folder where the command runs."""
    path = os.pathsep.join(place or os.getcwd() for place in sys.path)
    before = {name: os.environ.get(name) for name in ("PYTHONSAFEPATH", "PYTHONPATH")}
    os.environ.update(PYTHONSAFEPATH="1", PYTHONPATH=path)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _served(workers: list[_Worker], waiting: deque[tuple[int, Given]], path: Path) -> Iterator[list[Row]]:
    by_pipe: dict[Any, _Worker] = {worker.pipe: worker for worker in workers}
    for worker in workers:
        worker.give(waiting, len(workers))
    while any(worker.running for worker in workers):
        for pipe in wait([worker.pipe for worker in workers if worker.running]):
            worker = by_pipe[pipe]
            try:
                rows = worker.take()
            except (EOFError, ConnectionError):
                worker.process.join()
                raise WorkerLost(
                    f"worker process {worker.process.pid} ended with exit code {worker.process.exitcode} before its work was done: it "
                    "was killed, ran out of memory, could not import the strategy, or the script that sweeps lacks "
                    '`if __name__ == "__main__":` (what it printed says why)'
                ) from None
            if all(worker.is_ready for worker in workers):
                path.unlink(missing_ok=True)  # it lives as long as it is mapped; so a crash from now on leaves nothing behind
            worker.give(waiting, len(workers))
            if rows:
                yield rows


def work(pipe: Connection, job: Job, path: str, environment: Mapping[str, str]) -> None:
    """The main function of a worker: run what comes through the pipe until it closes."""
    os.environ.clear()
    os.environ.update(environment)  # a server that was started for an earlier sweep knows that one's
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all, and the one that asked ends the others
    try:
        runner = Runner(job.over(np.load(path, mmap_mode="r")))
        pipe.send([])
        while True:
            for rows in runner.rows(pipe.recv()):
                pipe.send(rows)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # whoever asked is gone
    except OneTapeError as error:
        pipe.send(error)
