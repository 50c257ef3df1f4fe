"""What is kept: datasets under a root, partitioned Parquet with a manifest; those embedded in packages; stores of ticks; the catalog."""
