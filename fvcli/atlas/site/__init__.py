"""The atlas: a run as a site of static pages, made from the files of the run alone."""

from fvcli.atlas.site.build import Built, build_site
from fvcli.atlas.site.wanted import SiteOptions

__all__ = ["Built", "SiteOptions", "build_site"]
