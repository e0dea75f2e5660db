"""Render what the parts of vision networks respond to, in batches, from the command line."""

__version__ = "0.9.0"
