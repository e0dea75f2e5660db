"""Run fvcli as ``python -m fvcli``."""

from fvcli.cli import main

main(prog_name="fvcli")
