"""What a Ray actor does: it watches one worker, which is a process of its own.

    driver --look()--> RayWorker --supervise--> fvcli work RUN

A unit that kills or hangs its process ends the worker and not the actor. Only strings cross: the run's place,
the name of the round, options, and events as lines of JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Generator
from dataclasses import asdict, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple, cast

from fvcli.engines.base import EngineOptions, Event
from fvcli.engines.supervise import event_line, supervise
from fvcli.errors import FvcliError, StoppedError, UsageError
from fvcli.run import RunFolder
from fvcli.run.objects import is_address, open_address
from fvcli.run.work.notes import note_path, read_note
from fvcli.run.work.rounds import read_round

LOOK_S = 0.5  # for how long a look waits for news
OVER, REFUSED, BROKEN, STOPPED = "over", "refused", "broken", "stopped"


class Task(NamedTuple):
    """What a worker is to do.

    run: The run's place, absolute.
    driver: Id of the driver's note in the run; whoever reads it there sees the same run.
    round: Name of the round.
    options: As ``pack`` writes them.
    folder: Where the driver was started; Python code of one's own is looked for there.
    """

    run: str
    driver: str
    round: str
    options: str
    folder: str


class Report(NamedTuple):
    """What a look finds.

    node, host: Where the actor is.
    lines: Events since the last look.
    end: How the work ended, or empty while it goes on; why says more.
    """

    node: str
    host: str
    lines: tuple[str, ...]
    end: str
    why: str


def pack(options: EngineOptions) -> str:
    """Write options as a string."""
    return json.dumps(asdict(options))


class RayWorker:
    """A worker of a run, in an actor.

    Args:
        task: A ``Task``, as plain strings.
    """

    def __init__(self, *task: str) -> None:
        self._task = Task(*task)
        self._host = socket.gethostname()
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._asked_to_stop = threading.Event()
        self._end, self._why = BROKEN, "the actor's thread ended"
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def look(self) -> tuple[object, ...]:
        """Return a ``Report``, as a plain tuple, at once if there is news."""
        lines = []
        with contextlib.suppress(Empty):
            lines.append(self._lines.get(timeout=LOOK_S))
            while True:
                lines.append(self._lines.get_nowait())
        is_over = not self._thread.is_alive() and self._lines.empty()
        end, why = (self._end, self._why) if is_over else ("", "")
        return tuple(Report(_node(), self._host, tuple(lines), end, why))

    def stop(self) -> None:
        """Let the worker give back what it has claimed, and wait for that."""
        self._asked_to_stop.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            self._watch()
            self._end, self._why = OVER, ""
        except UsageError as error:
            self._end, self._why = REFUSED, str(error)
        except StoppedError as error:
            self._end, self._why = STOPPED, str(error)
        except Exception as error:
            name = "" if isinstance(error, FvcliError) else f"{type(error).__name__}: "
            self._end, self._why = BROKEN, f"{name}{error}"

    def _watch(self) -> None:
        task = self._task
        path = open_address(task.run) if is_address(task.run) else Path(task.run)
        typed = self._typed_by_driver(path)
        if os.path.isdir(task.folder):
            os.chdir(task.folder)
        options = EngineOptions(**json.loads(task.options))
        events = supervise(RunFolder.read(path), read_round(path, task.round), options, 1, typed)
        with contextlib.closing(cast(Generator[Event], events)):
            for event in events:
                if event.state != "waiting":
                    where = f"{event.where} of {self._host}"
                    self._lines.put(event_line(replace(event, where=where)))
                if self._asked_to_stop.is_set():
                    return

    def _typed_by_driver(self, run: Path) -> tuple[str, ...]:
        """Return the command that somebody typed to the driver.

        Raises:
            UsageError: This node sees another disk.
        """
        driver = read_note(note_path(run, self._task.driver))
        if driver is None:
            raise UsageError(
                f"node {self._host} does not see the run in {run}",
                "put it on a disk that all nodes mount at the same place, or in an object store",
            )
        return driver.argv


def _node() -> str:
    """Return Ray's name of the node that this process is on."""
    import ray

    return str(ray.get_runtime_context().get_node_id())
