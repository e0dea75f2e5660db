"""The weights between units of a network's layers, with non-linearities taken as identity."""

from fvcli.worker.unit_links.find_links import find_links

__all__ = ["find_links"]
