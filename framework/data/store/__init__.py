"""Datasets kept under a root: immutable, partitioned Parquet with a manifest that says what they hold and where it came from."""
