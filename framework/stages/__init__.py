"""Stages: what stands between the market and an order. Features come first."""
