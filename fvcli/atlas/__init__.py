"""What people look at: contact sheets and figures, made from the run folder alone."""

from fvcli.atlas.compose import write_figure
from fvcli.atlas.grid import draw_grid, grid_paths, write_grids

__all__ = ["draw_grid", "grid_paths", "write_figure", "write_grids"]
