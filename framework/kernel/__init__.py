"""The compiled heart: one trader half, one exchange half, and the replay that joins them to a tape."""
