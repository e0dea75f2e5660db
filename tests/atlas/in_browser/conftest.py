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
from tests.helpers.browser import browser, untroubled
from tests.helpers.scored_runs import score_all


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = whole_run(tmp_path_factory.mktemp("atlas of #1 & 50 %"))
    score_all(run)
    return site_of(run)


@pytest.fixture(scope="session")
def started() -> Iterator[Chrome]:
    with browser() as chrome:
        yield chrome


@pytest.fixture
def chrome(started: Chrome) -> Iterator[Chrome]:
    with untroubled(started, "http://127.0.0.1") as one:
        yield one
        one.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    started.execute_script("try { localStorage.clear() } catch {}")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Patient(ThreadingHTTPServer):
    """Lets all connections of a page wait, where Python's own server lets 5."""

    request_queue_size = 128


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    server = Patient(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
