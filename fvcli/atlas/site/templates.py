"""The templates of a site's pages, and the policy that they are served with."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

# Nothing is loaded from elsewhere, and nothing that stands inside a page is run.
CSP = "; ".join(
    (
        "default-src 'none'",
        "img-src 'self' file: data:",
        "style-src 'self' file:",
        "script-src 'self' file:",
        "base-uri 'none'",
        "form-action 'none'",
    )
)


class Templates:
    """The files of ``page/`` that pages are made from."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("fvcli.atlas.site", "page"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,  # or each of a hundred thousand pages looks whether its template has changed
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )

    def named(self, name: str) -> Template:
        return self._environment.get_template(name)

    def page(self, name: str, **said: Any) -> str:
        """Return a page as HTML, with the policy."""
        return self.named(name).render(csp=CSP, **said)
