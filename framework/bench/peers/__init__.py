"""One short script a peer, run inside the peer's own environment; nothing here is imported by the framework."""
