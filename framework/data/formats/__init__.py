"""Readers of the formats data come in: one file a format, each with a `read` that returns a `Recording`."""
