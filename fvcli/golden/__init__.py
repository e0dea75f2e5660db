"""Goldens: accepted runs that later runs are compared with."""

from fvcli.golden.compare import Judge, Judges, NothingToCompareError, Options, compare
from fvcli.golden.folder import Golden
from fvcli.golden.history import History
from fvcli.golden.look import Look
from fvcli.golden.results import Comparison, Side, UnitResult

__all__ = [
    "Comparison",
    "Golden",
    "History",
    "Judge",
    "Judges",
    "Look",
    "NothingToCompareError",
    "Options",
    "Side",
    "UnitResult",
    "compare",
]
