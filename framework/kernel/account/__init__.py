"""The account: cash, positions, lots, round trips, equity. Either half keeps one."""
