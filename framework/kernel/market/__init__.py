"""What both halves know: marks, order books, what a price is worth, costs, what the types of orders mean."""
