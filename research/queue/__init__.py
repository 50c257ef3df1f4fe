"""Models of the line judged by the orders themselves: `calibrate_queue`."""

from research.queue.calibration import calibrate_queue
from research.queue.result import QueueCalibration

__all__ = ["QueueCalibration", "calibrate_queue"]
