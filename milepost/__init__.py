"""Milepost: planned, checkpointed and exactly undoable changes to knowledge bases."""

__version__ = "0.1.0"
