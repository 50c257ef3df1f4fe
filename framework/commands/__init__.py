"""The framework's own commands, one file each; `pyproject.toml` registers them in the group `onetape.commands`.

What is heavy (numba, pandas, plotly) is imported inside a command, so that `onetape --help` answers at once. This is the one place,
beside optional extras, where an import stands in a function.
"""
