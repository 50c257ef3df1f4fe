"""Measurements of speed, beside the limit of the machine; nothing else may read the machine's clock."""
