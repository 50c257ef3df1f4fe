"""One recording from another: bars and conflated books, continuous contracts, adjusted prices, the book behind its changes."""
