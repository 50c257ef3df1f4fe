"""What joins both halves to a tape."""
