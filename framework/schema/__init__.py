"""Units, instruments, events, orders and their bytes: the words everything else is written in."""
