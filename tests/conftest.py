"""What holds for all tests: seeds that a report names, and `--no-skips`, for environments in which nothing may be left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import seeds

ABSENT = "ONETAPE_SHARED"
"""Stands in the reason of what is skipped because the developers' market data are not here; no environment can bring them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="fail if a test is skipped, or none passes: nothing was shown by it")


def pytest_configure(config: pytest.Config) -> None:
    is_worker = hasattr(config, "workerinput")  # of two processes, the one that started them hears of all tests
    if config.getoption("--no-skips") and not is_worker:
        config.pluginmanager.register(NoSkips())


def pytest_report_header() -> str:
    return seeds.told()


class NoSkips:
    """Fails a session that left tests out."""

    def __init__(self) -> None:
        self.passed, self.skipped = 0, dict[str, str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed += report.when == "call" and report.passed
        self._count(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._count(report)

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        if (self.skipped or not self.passed) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return (yield)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.skipped or not self.passed:
            terminalreporter.section("left out, which --no-skips forbids", red=True)
            terminalreporter.write_line(f"{self.passed} passed, {len(self.skipped)} skipped")
            for name, reason in self.skipped.items():
                terminalreporter.write_line(f"{name}: {reason}")

    def _count(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if report.skipped and not hasattr(report, "wasxfail") and ABSENT not in reason:
            self.skipped[report.nodeid] = reason
