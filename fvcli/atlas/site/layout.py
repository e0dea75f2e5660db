"""Where the files of a site are, below its folder. Links are relative, so that any place will do."""

from __future__ import annotations

from urllib.parse import quote

INDEX = "index.html"
BUILD = "build"  # what was built of what, so that the next build does only what changed
MARK = f"{BUILD}/_atlas"  # tells a site from any other folder; no chapter is called so
PICTURES, SHEETS, PHOTOS, DATA = "p", "s", "e", "d"


def link(path: str, depth: int = 0) -> str:
    """Return a path as an address in a page that stands so many folders deep."""
    return "../" * depth + quote(path, errors="surrogatepass")


def chapter_page(folder: str, page: int = 1) -> str:
    return f"l/{folder}/{'index' if page == 1 else page}.html"


def entry_page(folder: str, name: str) -> str:
    return f"u/{folder}/{name}.html"


def key_page(key: str) -> str:
    return f"k/{key}.html"


def picture_file(folder: str, key: str) -> str:
    return f"{PICTURES}/{folder}/{key}.webp"


def sheet_file(folder: str, sheet: int) -> str:
    return f"{SHEETS}/{folder}/{sheet}.webp"


def data_file(folder: str, page: int, ending: str = "js") -> str:
    return f"{DATA}/{folder}-{page}.{ending}"


def build_file(folder: str) -> str:
    return f"{BUILD}/{folder}.json"


def build_part(folder: str, number: int) -> str:
    return f"{BUILD}/parts/{folder}/{number}.json"


def isolated(name: str) -> str:
    """Return a name as it stands inside a sentence, so that its script does not turn the words around it."""
    return name if name.isascii() else f"\u2068{name}\u2069"
