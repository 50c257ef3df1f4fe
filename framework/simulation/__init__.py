"""Simulated and recorded worlds, and `backtest()`, which puts a run together."""
