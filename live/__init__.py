"""Sessions on markets that are open: worlds without an exchange half of our own."""
