"""What people look at: contact sheets, made from the run folder alone."""

from fvcli.atlas.grid import draw_grid, grid_paths, write_grids

__all__ = ["draw_grid", "grid_paths", "write_grids"]
