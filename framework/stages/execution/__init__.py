"""Execution: how a wanted quantity is traded over time."""

from framework.stages.execution.almgren_chriss import AlmgrenChriss
from framework.stages.execution.frontier import Frontier
from framework.stages.execution.schedule import Schedule

__all__ = ["AlmgrenChriss", "Frontier", "Schedule"]
