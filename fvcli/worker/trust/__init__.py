"""What networks say of photos and of saved pictures, for ``fvcli.trust`` to compare."""

from fvcli.worker.trust.measure_units import WAY_PHOTOS, MeasureUnits, seen_pixels
from fvcli.worker.trust.objective_values import ObjectiveValues
from fvcli.worker.trust.photo_pixels import photo_pixels
from fvcli.worker.trust.pooled_features import PooledFeatures
from fvcli.worker.trust.relevance_flow import RelevanceFlow
from fvcli.worker.trust.views import jpeg_of, views_of

__all__ = [
    "WAY_PHOTOS",
    "MeasureUnits",
    "ObjectiveValues",
    "PooledFeatures",
    "RelevanceFlow",
    "jpeg_of",
    "photo_pixels",
    "seen_pixels",
    "views_of",
]
