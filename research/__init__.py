"""How we learn whether it is real."""
