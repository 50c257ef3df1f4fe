"""What a run is made of, as the header of its audit."""

from __future__ import annotations

from dataclasses import replace

from framework.config.section import Section
from framework.data.tape import Tape
from framework.engine.strategy import Strategy
from framework.simulation.configured_latency import settled
from framework.simulation.settings import RunSettings
from framework.version import __version__


def header_of(strategy: Strategy, tape: Tape, settings: RunSettings) -> dict[str, object]:
    """The header of a run."""
    common = common_header(type(strategy), tape, settings)
    return {"onetape": common["onetape"], "strategy": common["strategy"], "parameters": dict(strategy.parameters), **common}


def common_header(strategy: type[Strategy], tape: Tape, settings: RunSettings) -> dict[str, object]:
    """The header without the parameters: what all runs of a sweep have in common. The tape's digest is a function; see `audit.stated`."""
    words = {name: value for name, value in vars(replace(settings, latency=settled(settings.latency))).items() if value is not None}
    return {
        "onetape": __version__,
        "strategy": f"{strategy.__module__}:{strategy.__qualname__}",
        "tape": tape.digest,
        "data": tape.name,
        **{name: value.model_dump(mode="json") if isinstance(value, Section) else value for name, value in words.items()},
    }
