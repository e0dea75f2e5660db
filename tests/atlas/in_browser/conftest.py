"""A site of a run with everything, and a browser that must have nothing to complain of."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from tests.helpers.atlas_runs import site_of, whole_run
from tests.helpers.browser import browser, complaints, prefer, requests_elsewhere, resize


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site_of(whole_run(tmp_path_factory.mktemp("atlas of #1 & 50 %")))


@pytest.fixture(scope="session")
def started() -> Iterator[Chrome]:
    with browser() as chrome:
        yield chrome


@pytest.fixture
def chrome(started: Chrome) -> Iterator[Chrome]:
    """A browser as if it was new; afterwards it must have had nothing to complain of."""
    resize(started, 1280, 900)
    prefer(started)
    yield started
    started.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert complaints(started) == []
    assert [url for url in requests_elsewhere(started) if not url.startswith("http://127.0.0.1")] == []
    started.execute_script("try { localStorage.clear() } catch {}")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
