"""What is known about instruments and markets: instruments over time, calendars and hours, corporate actions, price limits, fees."""

from framework.data.reference.tables import Reference

__all__ = ["Reference"]
