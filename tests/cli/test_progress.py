"""When a signal is remembered and when it stops a command at once."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.cli.exit_and_signals import Stop
from fvcli.cli.progress import Progress
from fvcli.errors import StoppedError
from fvcli.run import RunFolder
from tests.helpers.running import write_spec


def test_a_signal_waits_for_units_that_are_rendered_and_for_nothing_else(tmp_path: Path) -> None:
    """Before and after, such as while sheets are drawn, nobody would ask whether one was heard."""
    run = RunFolder(tmp_path / "run", plan_of_spec(str(write_spec(tmp_path)), []).plan)
    with pytest.raises(StoppedError, match="stopped by SIGTERM"):
        Stop().hear(signal.SIGTERM, None)
    stop = Stop()
    progress = Progress(stop)
    progress.started(run, {0: 2})
    stop.hear(signal.SIGINT, None)
    assert progress.wants_stop()
    with pytest.raises(StoppedError, match="stopped by SIGINT"):  # the second time
        stop.hear(signal.SIGINT, None)
    progress.ended()
    stop = Stop()
    progress = Progress(stop)
    progress.started(run, {0: 2})
    progress.ended()
    with pytest.raises(StoppedError, match="stopped by SIGTERM"):
        stop.hear(signal.SIGTERM, None)
