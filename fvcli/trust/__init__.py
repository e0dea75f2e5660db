"""How far pictures can be trusted: what they explain, and what they are held against. NumPy alone."""

from fvcli.trust.explain import Explained, JudgedFeatures, explain
from fvcli.trust.flags import FLAGS, Found, Thresholds, flags_of, thresholds_from
from fvcli.trust.photo_halves import Halves, Queries, halves_of, queries_of, references_of
from fvcli.trust.similarity import Space, directions, similarities
from fvcli.trust.two_afc import MIS_SLOPE, Interval, interval_of, mis_of, share_of, wins_of

__all__ = [
    "FLAGS",
    "MIS_SLOPE",
    "Explained",
    "Found",
    "Halves",
    "Interval",
    "JudgedFeatures",
    "Queries",
    "Space",
    "Thresholds",
    "directions",
    "explain",
    "flags_of",
    "halves_of",
    "interval_of",
    "mis_of",
    "queries_of",
    "references_of",
    "share_of",
    "similarities",
    "thresholds_from",
    "wins_of",
]
