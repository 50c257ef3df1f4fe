"""Generators of bars and order books with known truth; what they make is named synthetic wherever it is reported."""
