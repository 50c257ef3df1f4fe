"""The engine: replay until something must be decided, ask the strategy, send what was approved."""
