"""The trader half: orders as known, and the way from a wish to an approved order."""
