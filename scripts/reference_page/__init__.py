"""The page docs/reference.md: which keys a spec has, what they do, and what happens without them."""

from reference_page.page import page

__all__ = ["page"]
