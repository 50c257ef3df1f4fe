"""A PostgreSQL of the tests' own: a cluster in a folder that is removed afterwards, reached by a socket in it."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_NUMBERS = itertools.count()


def _binaries() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max((path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None, key=lambda p: int(p.parent.name))


def _user() -> str | None:
    """Who runs the server, which refuses to be run by root."""
    if os.getuid():
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a running server, to its database postgres."""
    pytest.importorskip("psycopg", reason='needs the extra "postgres"')
    binaries, user = _binaries(), _user()
    if binaries is None:
        pytest.skip("there is no PostgreSQL server here: `make postgres` installs it")
    folder = Path(tempfile.mkdtemp(prefix="onetape-pg-", dir="/tmp"))  # a socket's path has to be short
    if user is not None:
        shutil.chown(folder, user)

    def run(*words: object) -> None:
        done = subprocess.run([str(word) for word in words], user=user, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        run(binaries / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=40"
        # its output goes to a file: the server would hold a pipe open
        run(binaries / "pg_ctl", "-D", folder / "data", "-w", "-t", "60", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            run(binaries / "pg_ctl", "-D", folder / "data", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def database(postgres: str) -> Callable[[], str]:
    """Makes an empty database and gives its URL."""
    import psycopg

    def make() -> str:
        name = f"test_{next(_NUMBERS)}"
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return postgres.replace("/postgres?", f"/{name}?")

    return make
