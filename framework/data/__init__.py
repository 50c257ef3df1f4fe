"""Market data in: readers, calendars, checks, corporate actions, and the tape they end in."""
