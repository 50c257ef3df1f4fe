"""The library of strategies; each is a page to read and to start from."""
