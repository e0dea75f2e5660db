"""What people look at: contact sheets and figures, made from the run folder alone."""

from fvcli.atlas.compose import write_figure
from fvcli.atlas.grid import draw_grid, grid_paths, write_grids
from fvcli.atlas.index_page import write_index
from fvcli.atlas.texts import texts_note

__all__ = ["draw_grid", "grid_paths", "texts_note", "write_figure", "write_grids", "write_index"]
