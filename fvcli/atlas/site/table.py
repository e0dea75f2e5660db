"""The units of an atlas as a Parquet table, for DuckDB, pandas, Polars and embedding-atlas.

Pictures are structs of ``bytes`` and ``path``, as these programs show them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fvcli.atlas.site.collect import A_PAGE, Chapter
from fvcli.atlas.site.data_files import unit_data
from fvcli.atlas.site.evidence import Evidence
from fvcli.atlas.site.layout import picture_file
from fvcli.atlas.site.read_picture import Picture
from fvcli.atlas.site.similarity import Likeness
from fvcli.errors import UsageError
from fvcli.run.atomic import open_atomic

TABLE = "units.parquet"
TEXTS = ("name", "title", "label", "note", "status")
NUMBERS = ("score", "two_afc", "mean", "max", "min", "fires", "density")
NO_PYARROW = 'pip install "fvcli[table]"'


class Row(NamedTuple):
    """What a table is told of a chapter."""

    chapter: Chapter
    evidence: Evidence
    likeness: Likeness


def refuse_without_pyarrow() -> None:
    """Raise UsageError if the library that writes tables is not there."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise UsageError("a table needs pyarrow, which is not installed", NO_PYARROW) from error


def write_table(site: Path, told: Iterable[Row]) -> Path:
    """Write the table of a site whose pictures are there; return the file.

    Columns: layer; what ``atlas.json`` says of a unit (name, number, title, label, note, status, score,
    two_afc, flags, mean, max, min, fires, density, classes); key of its main picture; page, below the site;
    x and y on the map of its layer; vector (what likeness is measured by, of length one) and vector_of
    (``activations`` or ``pictures``); similar, names in the same layer; picture, as WebP.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = site / TABLE
    with open_atomic(path) as file, pq.ParquetWriter(file, _schema(), compression="zstd") as writer:
        for one in told:
            for begin in range(0, len(one.chapter.entries), A_PAGE):
                end = min(len(one.chapter.entries), begin + A_PAGE)
                rows = [_row(site, one, place) for place in range(begin, end)]
                writer.write_table(pa.Table.from_pylist(rows, _schema()))
    return path


def _schema() -> Any:
    import pyarrow as pa

    number, text = pa.float32(), pa.string()
    types: Mapping[str, Any] = {
        **{"layer": text, "is_layer": pa.bool_(), "name": text, "number": pa.int32(), "title": text},
        **{"label": text, "note": text, "status": text},
        **dict.fromkeys(NUMBERS, number),
        **{"classes": pa.list_(text), "flags": pa.list_(text)},
        **{"key": text, "page": text, "x": pa.int32(), "y": pa.int32()},
        **{"vector": pa.list_(number), "vector_of": text, "similar": pa.list_(text)},
        "picture": pa.struct([("bytes", pa.binary()), ("path", text)]),
    }
    return pa.schema(list(types.items()))


def _row(site: Path, told: Row, place: int) -> dict[str, Any]:
    entry, chapter = told.chapter.entries[place], told.chapter
    vectors, near = told.likeness.vectors, told.likeness.near[place]
    facts = unit_data(chapter, place, told.evidence, near)
    page, of_page = divmod(place, A_PAGE)
    x, y = (int(value) for value in told.likeness.ranks[page].places[of_page])
    vector = vectors.values[place]
    return {
        "layer": chapter.name,
        "is_layer": chapter.is_layer,
        **{name: facts[name] for name in (*TEXTS, "number", *NUMBERS, "classes", "flags", "page")},
        "key": entry.main.key,
        "x": None if x < 0 else x,
        "y": None if y < 0 else y,
        "vector": vector.tolist() if np.any(vector) else None,
        "vector_of": vectors.source,
        "similar": [chapter.entries[one.position].name for one in near],
        "picture": _picture(site, chapter, entry.main),
    }


def _picture(site: Path, chapter: Chapter, picture: Picture) -> dict[str, Any] | None:
    if not picture.is_shown:
        return None
    name = picture_file(chapter.folder, picture.key)
    try:
        return {"bytes": (site / name).read_bytes(), "path": name}
    except OSError:  # it was damaged in the run
        return None
