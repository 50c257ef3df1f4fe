"""The exchange half: commands in, matching, waiting lines, latencies, the broker."""
