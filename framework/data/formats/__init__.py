"""Readers of the formats that exchanges, vendors and capturing programs write: one file a format, each with `read`."""
