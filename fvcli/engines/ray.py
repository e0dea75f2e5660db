"""The Ray engine: an actor for each worker, anywhere in a Ray cluster.

An actor that is gone, with its node or alone, is started anew wherever there is room until the round is over.
What it had claimed is taken over by other workers, as they see from the run's files.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fvcli.engines.base import EngineOptions, Event
from fvcli.engines.cluster_room import ClusterNode, Share, refuse_without_room, share_of
from fvcli.engines.ray_actor import BROKEN, OVER, REFUSED, RayWorker, Report, Task, pack
from fvcli.engines.supervise import FRUITLESS, PATIENCE_S
from fvcli.errors import FvcliError, UsageError, counted
from fvcli.run import RunFolder
from fvcli.run.objects import is_object
from fvcli.run.work.rounds import Round

INSTALL = "pip install 'fvcli[cluster]'"
POLL_S = 0.5
LOOK_AT_NODES_S = 5.0  # between two looks at what the cluster has
KNOCK_S = 10.0
WAIT_FOR_ROOM_S = 30.0  # before it is said that nothing could be placed


class RayEngine:
    """Render in a Ray cluster: that of ``ray_address``, that of RAY_ADDRESS, or one on this machine."""

    name = "ray"

    def run(self, run: RunFolder, round_: Round, options: EngineOptions) -> Iterator[Event]:
        """Render the batches of a round and say how it goes.

        Raises:
            UsageError: A worker refuses, or a node does not see the run.
            FvcliError: Ray is not installed or not there, or has no room for a worker; workers cannot start.
        """
        ray = import_ray()
        with contextlib.redirect_stdout(_ToLog(run)), _connected(ray, options.ray_address):
            if not ray.is_initialized():  # a signal came meanwhile
                yield Event(-1, "waiting")
                return
            crew = _Crew(ray, run, round_, options)
            try:
                yield from crew.watch()
            finally:
                crew.stop()


class _ToLog(io.TextIOBase):
    """Takes what Ray prints on standard output, which is for results: logs/ray.log of a run."""

    def __init__(self, run: RunFolder) -> None:
        super().__init__()
        self._run = run

    def write(self, text: str) -> int:
        with contextlib.suppress(FvcliError):  # a full disk is told by what matters more
            for line in filter(str.strip, text.splitlines()):
                self._run.log(line, "ray")
        return len(text)


def import_ray() -> Any:
    """Return Ray, which is told not to report its use, unless the environment says that it may.

    Raises:
        FvcliError: It is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise FvcliError(f"--engine ray: {error}", f"install it: {INSTALL}") from error
    return ray


@contextlib.contextmanager
def _connected(ray: Any, address: str | None) -> Iterator[None]:
    """Connect to a cluster, or go on with the one that this process is connected to."""
    if ray.is_initialized():
        yield
        return
    given = os.environ.get("RAY_ADDRESS", "") if address in {None, "auto"} else address
    try:
        _knock(given or "")
        with _own_sigterm():
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (ValueError, RuntimeError, OSError) as error:
        reason = str(error).strip().split("\n")[0]
        hint = "check the address and its token (RAY_AUTH_MODE), or begin a cluster with: ray start --head"
        raise FvcliError(f"no Ray cluster at {given or address or 'this machine'}: {reason}", hint) from error
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError if nobody is at HOST:PORT, which Ray itself would find out after minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_S).close()


@contextlib.contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep this process's way with SIGTERM, which Ray replaces by one that exits at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = signal.getsignal(signal.SIGTERM)
    was_sent = False
    try:
        yield
    except SystemExit as end:
        was_sent = end.code == signal.SIGTERM
        if not was_sent:
            raise
    finally:
        signal.signal(signal.SIGTERM, ours)
        if was_sent:
            signal.raise_signal(signal.SIGTERM)


def actor_class(ray: Any, plain: type, share: Share) -> Any:
    """Return an actor class whose actors take a share of a node each.

    They are never restarted by Ray, which would not say so. Ray tells an actor by CUDA_VISIBLE_DEVICES
    which GPUs are its own, and processes that it starts inherit that.
    """
    return ray.remote(plain).options(
        num_cpus=share.cpus, num_gpus=share.gpus, max_restarts=0, scheduling_strategy="SPREAD"
    )


def nodes_of(ray: Any) -> list[ClusterNode]:
    """Return the nodes of the cluster that are there now."""
    alive = [node for node in ray.nodes() if node["Alive"]]
    return [
        ClusterNode(
            node["NodeManagerHostname"], node["Resources"].get("CPU", 0.0), node["Resources"].get("GPU", 0.0)
        )
        for node in alive
    ]


@dataclass
class _Actor:
    """An actor.

    node, host: Where it is; empty until it has answered.
    open: The batches that its worker is at.
    """

    handle: Any
    node: str = ""
    host: str = ""
    open: set[int] = field(default_factory=set)
    has_claimed: bool = False


class _Crew:
    """The actors of one render."""

    def __init__(self, ray: Any, run: RunFolder, round_: Round, options: EngineOptions) -> None:
        nodes = nodes_of(ray)
        self._ray, self._run, self._options = ray, run, options
        self._share = share_of(nodes, options)
        refuse_without_room(self._share, nodes)
        self._room = self._share.fit(nodes)
        self._count = min(options.workers or self._room, len(round_.batches))
        assert run.presence is not None  # it was begun
        where = str(run.path) if is_object(run.path) else str(Path(run.path).resolve())
        how = pack(replace(options, threads=self._share.cpus, workers=None))
        self._task = Task(where, run.presence.id, round_.name, how, os.getcwd())
        self._class = actor_class(ray, RayWorker, self._share)
        self._looks: dict[Any, _Actor] = {}  # by what Ray gives for the answer
        self._is_over = False
        self._fruitless = 0
        self._looked_at_nodes = self._had_room = self._began = time.monotonic()
        self._has_said_waiting = False

    def watch(self) -> Iterator[Event]:
        if self._count > self._room:
            workers = counted(self._count, "worker")
            remark = f"the cluster has room for {self._room} of {workers} now; the others wait for room"
            yield Event(-1, "waiting", remarks=(remark,))
        for _ in range(self._count):
            self._start()
        while self._looks and not (self._is_over and not self._answering()):
            ready, _ = self._ray.wait(list(self._looks), timeout=POLL_S)
            yield Event(-1, "waiting")  # so that whoever listens can stop this
            for look in ready:
                yield from self._hear(self._looks.pop(look), look)
            yield from self._mind_room()

    def stop(self) -> None:
        """Let all workers give back what they have claimed, and end the actors."""
        asked = [actor.handle.stop.remote() for actor in self._answering()]
        if asked:
            self._ray.wait(asked, num_returns=len(asked), timeout=PATIENCE_S + 2 * POLL_S)
        for actor in self._looks.values():
            self._ray.kill(actor.handle)

    def _answering(self) -> list[_Actor]:
        return [actor for actor in self._looks.values() if actor.node]

    def _start(self) -> None:
        self._look_at(_Actor(self._class.remote(*self._task)))

    def _look_at(self, actor: _Actor) -> None:
        self._looks[actor.handle.look.remote()] = actor

    # ---- what actors say

    def _hear(self, actor: _Actor, look: Any) -> Iterator[Event]:
        errors = self._ray.exceptions
        try:
            report = Report(*self._ray.get(look))
        except errors.ActorUnavailableError:  # it may be there again soon, or Ray says that it died
            time.sleep(POLL_S)
            self._look_at(actor)
            return
        except errors.RayError as error:
            yield from self._replace(actor, _reason(error))
            return
        actor.node, actor.host = report.node, report.host
        for line in report.lines:
            yield self._heed(actor, Event(**json.loads(line)))
        if not report.end:
            self._look_at(actor)
            return
        self._ray.kill(actor.handle)
        yield from self._bid_farewell(actor, report)

    def _heed(self, actor: _Actor, event: Event) -> Event:
        if event.state == "started":
            actor.open.add(event.batch)
            actor.has_claimed = True
            self._fruitless = 0
        elif event.state in {"done", "lost"}:
            actor.open.discard(event.batch)
        return event

    def _bid_farewell(self, actor: _Actor, report: Report) -> Iterator[Event]:
        if report.end == OVER:
            self._is_over = True
        elif report.end == REFUSED:
            raise UsageError(report.why)
        elif report.end == BROKEN:
            message = f"node {report.host}: {report.why}"
            if not self._looks:
                raise FvcliError(message)
            yield Event(-1, "lost", report.host, remarks=(f"{message}; the other workers go on without it",))
        else:  # somebody on its node stopped the worker
            yield from self._replace(actor, report.why)

    def _replace(self, actor: _Actor, reason: str) -> Iterator[Event]:
        """Start another actor in the place of one that is gone."""
        if not actor.has_claimed and self._is_there(actor.node):
            self._fruitless += 1
        if self._fruitless >= FRUITLESS:
            message = f"{FRUITLESS} Ray actors in a row died before they could render: {reason}"
            raise FvcliError(message, f"fvcli must be installed on all nodes: {INSTALL}")
        at = f" on {actor.host}" if actor.host else ""
        remark = f"a Ray actor{at} is gone, and another takes its place: {reason}"
        for batch in sorted(actor.open) or [-1]:
            yield Event(batch, "lost", actor.host, remarks=(remark,))
            remark = ""
        if not self._is_over:
            self._start()

    def _is_there(self, node: str) -> bool:
        """Tell whether a node is there; one that is not known is taken to be."""
        return not node or any(found["NodeID"] == node and found["Alive"] for found in self._ray.nodes())

    # ---- room

    def _mind_room(self) -> Iterator[Event]:
        """Give up if all actors wait for room, and no node has had any for the lease."""
        now = time.monotonic()
        if self._answering() or self._is_over:
            self._had_room = now
        if now - self._looked_at_nodes < min(LOOK_AT_NODES_S, self._options.lease_s):
            return
        self._looked_at_nodes = now
        nodes = nodes_of(self._ray)
        if self._share.fit(nodes):
            if now - self._had_room > WAIT_FOR_ROOM_S and not self._has_said_waiting:
                self._has_said_waiting = True
                yield Event(-1, "waiting", remarks=(self._say_waiting(),))
        elif now - self._had_room > self._options.lease_s:
            refuse_without_room(self._share, nodes)

    def _say_waiting(self) -> str:
        free, there = self._ray.available_resources(), self._ray.cluster_resources()
        words = [
            f"{free.get(kind, 0):g} of {there[kind]:g} {kind}s" for kind in ("CPU", "GPU") if kind in there
        ]
        return f"still waiting for room: a worker takes {self._share}, free are {', '.join(words)}"


def _reason(error: BaseException) -> str:
    """Say in one line why Ray says that an actor is gone."""
    told = (" ".join(line.split()) for line in str(error).splitlines())
    lines = [line for line in told if line and not line.startswith(("class_name:", "actor_id:", "pid:"))]
    return lines[-1] if lines else type(error).__name__
