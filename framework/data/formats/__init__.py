"""Readers of formats that others write, one file a format; each offers `read(path, ...) -> Recording`."""
