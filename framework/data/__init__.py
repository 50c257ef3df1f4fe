"""Market data in, up to the tape that a run plays.

Rooms, each importing only from those before it: `checks`, `reference`, `tape`, `series`, `synthetic`, `store`, `quality`, `formats`. The
files beside them, `readers` and `catalog`, are what users import.
"""
