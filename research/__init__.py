"""How we learn whether it is real: studies that judge the engine's assumptions against data."""
