"""How compiled functions are made, kept and given memory; knows nothing of trading."""
