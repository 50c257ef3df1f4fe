"""The records that hold all state, their enumerations, and how a row is added to a table."""
