"""Start workers as processes, watch them, and replace those that die or hang.

    fvcli work RUN --events  --lines of JSON-->  Event; at last that nothing is left
                             --exit code----->   0, 1, 74: an error, if that was not said; 2: a mistake;
                                                 75: stopped; anything else: it died, and another takes its
                                                 place

What killed a process is written into the attempts that it leaves open, so that whoever claims the batch next
knows of it. A worker stops by itself when the process that watches it is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue

from fvcli.engines.base import EngineOptions, Event
from fvcli.engines.gpus import environment_of, gpus_here
from fvcli.errors import FvcliError, StoppedError, UsageError, command
from fvcli.python_module import python_module
from fvcli.run import RunFolder
from fvcli.run.cores import cores
from fvcli.run.layout import LOGS
from fvcli.run.objects import is_object, put
from fvcli.run.sidecar import FINISHED
from fvcli.run.work.attempts import DIED, STOPPED, attempts_of, bury
from fvcli.run.work.notes import new_id, note_path, read_note, write_note
from fvcli.run.work.rounds import Round
from fvcli.typed_command import command_to_go_on, typed_command

POLL_S = 0.2
START_S = 300.0  # for a process to say its first word: TensorFlow may come from a slow disk
PATIENCE_S = 60.0  # for workers that were asked to stop
LAST_WORDS_S = 5.0  # to hear what a process said that has ended; what it started may hold the line open
PAUSE_S = 2.0  # after an error of a worker that may pass
FRUITLESS = 3  # deaths of workers in a row that had not claimed a batch, before it is given up
DEADLY = 5  # batches in a row that kill their process, each at its first try, before the computer is blamed
ENDED, MISTAKE, WAS_STOPPED = {0, 1, 74}, 2, 75  # exit codes


@dataclass
class _Child:
    """A worker's process.

    slot: Which of the workers it is, from 0.
    is_over: Whether it said that nothing is left.
    open: The batches that it is at, and when it last came on with each.
    heard: When it last said anything.
    """

    slot: int
    id: str
    process: subprocess.Popen[str]
    log: Path
    open: dict[int, float] = field(default_factory=dict)
    has_spoken: bool = False
    has_claimed: bool = False
    heard: float = field(default_factory=time.monotonic)
    killed_for: str = ""
    is_over: bool = False
    listener: threading.Thread = field(default_factory=threading.Thread)


def supervise(
    run: RunFolder, round_: Round, options: EngineOptions, workers: int, typed: Sequence[str] = ()
) -> Iterator[Event]:
    """Let several workers render a round, and say how it goes.

    Args:
        run: The run.
        round_: What was asked of it.
        options: How workers work.
        workers: How many.
        typed: The command that somebody typed; by default the one that this process was started with.

    Raises:
        UsageError: A worker says that it was started wrongly, or may not join.
        FvcliError: Workers die before they have claimed anything or at whatever they claim, or one meets
            an error that others would meet, too, such as a full disk.
        StoppedError: Somebody else stopped the workers.
    """
    if not typed:
        typed = run.presence.note.argv if run.presence is not None else typed_command()
    nursery = _Nursery(run, round_, options, workers, typed)
    try:
        yield from nursery.watch()
    finally:
        nursery.stop()


class _Nursery:
    def __init__(
        self, run: RunFolder, round_: Round, options: EngineOptions, workers: int, typed: Sequence[str] = ()
    ) -> None:
        self._run, self._round, self._options = run, round_, options
        self._typed = typed
        self._count = workers
        self._gpus = gpus_here()
        self._said: SimpleQueue[tuple[_Child, Event]] = SimpleQueue()
        self._children: list[_Child] = []
        self._fruitless: Counter[int] = Counter()  # by slot, since one of its workers claimed a batch
        self._deadly: Counter[int] = Counter()  # by slot, since it rendered something: see DEADLY
        self._errors: Counter[int] = Counter()  # by slot, since it finished a batch
        self._stopped: list[_Child] = []
        self._is_over = False  # whether a worker said that nothing is left
        self._here = contextlib.ExitStack()
        self._logs = run.path / LOGS
        if is_object(run.path):  # where nothing can be appended
            here = self._here.enter_context(tempfile.TemporaryDirectory(prefix="fvcli-"))
            self._logs = Path(here)

    def watch(self) -> Iterator[Event]:
        self._children = [self._start(slot) for slot in range(self._count)]
        while self._children:
            try:
                yield from self._heed(*self._said.get(timeout=POLL_S))
                while not self._said.empty():  # after a pause nobody is hung whose words were not heard
                    yield from self._heed(*self._said.get())
            except Empty:
                pass
            yield Event(-1, "waiting")  # so that whoever listens can stop this, whatever workers do and say
            for child in list(self._children):
                self._kill_if_hung(child)
                if child.process.poll() is not None:
                    yield from self._bid_farewell(child)
        if self._stopped and not self._is_over:
            again = command_to_go_on(self._typed, command("work", self._run.path))
            raise StoppedError("Stopped, because somebody stopped the workers", f"to go on: {again}")

    def stop(self) -> None:
        """Ask all workers to stop, and wait for them."""
        for child in self._children:
            with contextlib.suppress(ProcessLookupError):
                child.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + PATIENCE_S
        for child in self._children:
            outcome = DIED
            try:
                child.process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                outcome = STOPPED  # its batches did not kill it
                _kill(child)
                child.process.wait()
            with contextlib.suppress(FvcliError):  # a full disk must not keep the others from being stopped
                if child.process.returncode < 0:
                    self._bury(child, outcome)
                self._put_away(child)
        self._here.close()

    # ---- starting

    def _start(self, slot: int) -> _Child:
        name = new_id()
        log = self._logs / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            process = subprocess.Popen(
                [*self._command(), "--name", name, "--typed", json.dumps(list(self._typed))],
                stdin=subprocess.PIPE,  # its end tells the worker that nobody watches it any more
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                errors="replace",  # a library may print anything
                env={**os.environ, **environment_of(slot, self._gpus, self._options.gpus_per_worker)},
                start_new_session=True,  # Ctrl-C is for this process, which asks the workers to stop
            )
        child = _Child(slot, name, process, log)
        child.listener = threading.Thread(target=self._listen, args=(child,), daemon=True)
        child.listener.start()
        return child

    def _command(self) -> list[str]:
        how = self._options
        words = [*python_module("fvcli"), "work", str(self._run.path), "--events"]
        words += ["--round", self._round.name, "--tries", str(how.tries)]
        words += ["--timeout", f"{max(1.0, how.timeout_s):g}", "--lease", f"{how.lease_s:g}"]
        if not self._gpus:
            words += ["--threads", str(how.threads or max(1, cores() // self._count))]
        words += ["--allow-code"] if how.allow_code else []
        return words + (["--mixed"] if how.mixed else [])

    def _listen(self, child: _Child) -> None:
        assert child.process.stdout is not None
        with child.process.stdout as lines:
            for line in lines:
                with contextlib.suppress(ValueError, TypeError):  # something that a library printed
                    self._said.put((child, Event(**json.loads(line))))

    # ---- watching

    def _heed(self, child: _Child, event: Event) -> Iterator[Event]:
        child.heard, child.has_spoken = time.monotonic(), True
        if event.state == "started":
            child.has_claimed = True
            del self._fruitless[child.slot]
        if event.state in {"started", "progress"}:
            child.open[event.batch] = child.heard
        elif event.state == "done":
            child.open.pop(event.batch, None)
            del self._errors[child.slot]
            if FINISHED & event.counts.keys():
                del self._deadly[child.slot]
        child.is_over = event.state == "over"
        self._is_over = self._is_over or child.is_over
        if event.state not in {"waiting", "over"} or event.remarks:
            yield event

    def _kill_if_hung(self, child: _Child) -> None:
        silent_s = time.monotonic() - min(child.open.values(), default=child.heard)
        patience_s = self._options.timeout_s if child.has_spoken else max(START_S, self._options.timeout_s)
        if child.killed_for or silent_s < patience_s:
            return
        child.killed_for = f"no progress for {patience_s:g} s"
        _kill(child)

    def _bid_farewell(self, child: _Child) -> Iterator[Event]:
        child.listener.join(LAST_WORDS_S)
        while not self._said.empty():  # what it said last
            yield from self._heed(*self._said.get())
        self._children.remove(child)
        self._put_away(child)
        code = child.process.returncode
        if code == MISTAKE:
            raise UsageError(_last_error(child.log))
        if code == WAS_STOPPED:
            self._stopped.append(child)
        elif not self._is_over:  # what dies while Python ends has done its work
            if code in ENDED:
                self._errors[child.slot] += 1
                if self._errors[child.slot] >= FRUITLESS:  # in a row, and no batch was finished between them
                    yield self._give_up(child, _last_error(child.log))
                    return
                time.sleep(PAUSE_S)  # it may pass, as where a file server does not answer
            yield from self._replace(child)

    def _replace(self, child: _Child) -> Iterator[Event]:
        how = self._bury(child)
        remark = (
            f"worker {child.id} died: {how}; another takes its place, and its log is {self._log_place(child)}"
        )
        died = child.process.returncode not in ENDED
        self._fruitless[child.slot] += died and not child.has_claimed
        if self._fruitless[child.slot] >= FRUITLESS:
            message = f"{FRUITLESS} workers in a row died before they could render: {how}"
            yield self._give_up(child, f"{message}: see {self._log_place(child)}")
            return
        for batch in sorted(child.open) or [-1]:
            yield Event(batch, "lost", child.id, remarks=(remark,))
            remark = ""
        self._deadly[child.slot] += died and self._is_deadly(child)
        if self._deadly[child.slot] < DEADLY:
            self._children.append(self._start(child.slot))
        else:
            message = f"{DEADLY} batches in a row killed their process, and none was rendered: {how}"
            hint = f"does this computer lack memory, or is a GPU broken? See {self._log_place(child)}"
            yield self._give_up(child, f"{message}: {hint}")

    def _is_deadly(self, child: _Child) -> bool:
        """Tell whether a process died at batches at which none died before: the batches may be innocent."""
        histories = [attempts_of(self._run.path, batch) for batch in child.open]
        return bool(histories) and all(sum(a.outcome == DIED for a in history) <= 1 for history in histories)

    def _give_up(self, child: _Child, why: str) -> Event:
        """Start no other worker in the place of one that does not come on; say so.

        Raises:
            FvcliError: It is the last one.
        """
        if not self._children:
            raise FvcliError(why)
        remark = f"the other workers go on without worker {child.id}: {why}"
        return Event(-1, "lost", child.id, remarks=(remark,))

    def _put_away(self, child: _Child) -> None:
        """Close what led to a process that has ended, and bring its log to the run, if that is elsewhere."""
        assert child.process.stdin is not None
        child.process.stdin.close()
        if is_object(self._run.path) and child.log.exists() and (said := child.log.read_bytes()):
            put(self._log_place(child), said)

    def _log_place(self, child: _Child) -> Path:
        """Return where what a process wrote on standard error is: in its log, or in a store beside it."""
        name = f"{child.id}-errors.log" if is_object(self._run.path) else child.log.name
        return self._run.path / LOGS / name

    def _bury(self, child: _Child, outcome: str = DIED) -> str:
        """Write how a worker ended into its note and into what it was at; return it."""
        how = child.killed_for or _how_it_ended(child.process.returncode)
        note = read_note(note_path(self._run.path, child.id))
        if note is not None and not note.ended:
            bury(self._run.path, note, how, outcome)
            write_note(self._run.path, replace(note, at=(), ended=how))
        return how


def _kill(child: _Child) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)


def _how_it_ended(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _last_error(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("Error: ")]
    return "\n".join(line.removeprefix("Error: ") for line in lines) or f"a worker could not start; see {log}"


def event_line(event: Event) -> str:
    """Write an event as a worker tells it to the process that watches it."""
    data: Mapping[str, object] = asdict(event)
    return json.dumps(data)
