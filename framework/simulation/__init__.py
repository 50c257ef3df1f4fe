"""Simulated and audited worlds, and `backtest()`, which puts a run together."""
