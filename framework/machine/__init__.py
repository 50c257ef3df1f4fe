"""Machine code: how numba is used, what compiled code depends on, and where it is kept on disk."""
