"""What holds for all tests: seeds that a report names, and `--extra`, for an environment in which none of an extra's may be left out."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests import seeds

ABSENT = "ONETAPE_SHARED"
"""Stands in the reason of what is skipped because the developers' market data are not here; no environment can bring them."""

NEEDS = re.compile(r'needs the extra "([\w-]+)"')
"""The reason of what is skipped where an extra is not installed."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--extra", metavar="NAME", help="run the tests that need this extra; fail if one is skipped, or none passes")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so a shell starts what runs in the background, and Ctrl-C would do nothing
        signal.signal(signal.SIGINT, signal.default_int_handler)
    extra = config.getoption("--extra")
    if extra is not None:
        config.option.markexpr = f"extra(name={extra!r})"
        if not hasattr(config, "workerinput"):  # of several processes, the one that started the others hears of all tests
            config.pluginmanager.register(NoSkips(extra))


def pytest_report_header() -> str:
    return seeds.told()


class NoSkips:
    """Fails a session that left out tests of an extra."""

    def __init__(self, extra: str) -> None:
        self.extra, self.passed, self.skipped = extra, 0, dict[str, str]()

    @property
    def left_out(self) -> bool:
        """Whether the session shows less than that the extra works."""
        return bool(self.skipped) or not self.passed

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed += report.when == "call" and report.passed
        self._count(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._count(report)

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        if self.left_out and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return (yield)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.left_out:
            terminalreporter.section(f"the extra {self.extra} is not shown to work", red=True)
            terminalreporter.write_line(f"{self.passed} passed, {len(self.skipped)} left out; rule of --extra: some and 0")
            for name, reason in self.skipped.items():
                terminalreporter.write_line(f"{name}: {reason}")

    def _count(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            other = NEEDS.search(reason)  # a whole file of another extra is left out before its marks are known
            if ABSENT not in reason and (other is None or other[1] == self.extra):
                self.skipped[report.nodeid] = reason
