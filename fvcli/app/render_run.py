"""Render a planned spec into a run folder, or finish what is missing there."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

from fvcli.app.draw_sheets import Drawn, draw_missing_sheets
from fvcli.app.lacking_files import said_of_lacking_files
from fvcli.app.plan_spec import PlannedSpec
from fvcli.app.preflight import check_machine, check_memory, needs_more_than_python
from fvcli.app.render_log import RenderLog
from fvcli.app.write_copies import write_copies
from fvcli.engines import ENGINES, EngineOptions, Event
from fvcli.errors import UsageError
from fvcli.plan import Unit, choose_units
from fvcli.plan.parted_units import places_of
from fvcli.plan.without_cycles import without_cycles
from fvcli.run import Asked, RunFolder
from fvcli.run.look import look_at
from fvcli.run.sidecar import DONE, FAILED, FINISHED
from fvcli.run.work.attempts import forget_attempts, is_claimed
from fvcli.run.work.rounds import Round, begin_round

MISSING = "missing"


@dataclass(frozen=True)
class RenderOptions:
    """How a spec is rendered.

    engine: One of ``ENGINES``.
    engine_options: How it works.
    shard: Which slice of how many, from 1; None for all.
    only: Patterns of job/unit, job or unit; units that one of them matches are rendered, all without any.
    force: Whether finished pictures of another spec are moved out of the way.
    again: Whether finished pictures of this spec are, so that they are rendered anew.
    """

    engine: str = "local"
    engine_options: EngineOptions = EngineOptions()  # noqa: RUF009  # frozen
    shard: tuple[int, int] | None = None
    only: Sequence[str] = ()
    force: bool = False
    again: bool = False


@dataclass(frozen=True)
class RenderOutcome:
    """What the asked-for units came to.

    counts: Of them by status: done, dead, failed, missing.
    rendered: What this command rendered, by status, as far as the engine told.
    to_render: How many units were to be rendered when it began.
    failed: Path of each unit that failed, and why.
    sheets: Contact sheets, figure and page.
    stopped: Whether the observer wanted it to stop before all was rendered.
    done, planned: Finished units of the whole run, and all of them.
    remarks: What is odd about pictures that are done, by job/unit; see ``fvcli.run.remarks``.
    """

    run: Path
    counts: Mapping[str, int]
    failed: tuple[tuple[str, str], ...]
    sheets: tuple[Path, ...]
    stopped: bool
    done: int
    planned: int
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rendered: Mapping[str, int] = field(default_factory=dict)
    to_render: int = 0

    @property
    def missing(self) -> int:
        """How many of the asked-for units have no result, although nothing stopped the render."""
        return 0 if self.stopped else self.counts.get(MISSING, 0)


class Observer:
    """Is told how a render goes. This one does not heed it; others override what they need."""

    def said(self, text: str) -> None:
        """Hear a line for people."""

    def started(self, run: RunFolder, missing: Mapping[int, int]) -> None:
        """Hear how many units are missing in each batch, before the first is rendered."""

    def saw(self, event: Event) -> None:
        """Hear what the engine tells."""

    def ended(self) -> None:
        """Hear that nothing more is rendered, for whatever reason."""

    def wants_stop(self) -> bool:
        """Tell whether to stop; what is rendered is kept."""
        return False


def render_run(
    planned: PlannedSpec,
    output: Path,
    options: RenderOptions | None = None,
    observer: Observer | None = None,
) -> RenderOutcome:
    """Render what a run folder still lacks of a plan, and draw its sheets.

    Args:
        planned: The plan, its text, and what is known of the model.
        output: The run folder; it need not be there.
        options: What to render, and what may be done to what is there.
        observer: Is told how it goes.

    Raises:
        UsageError: A pattern matches nothing, the folder holds something else or finished pictures of
            another spec, or it is in use; nothing was written.
    """
    options, observer = options or RenderOptions(), observer or Observer()
    if options.engine == "local":
        workers = options.engine_options.workers or 1
        check_memory(planned.plan, planned.facts, lambda: _to_render(planned, output, options), workers)
    with begun_run(planned, output, options, observer) as (run, round_, units):
        missing = round_.missing_in(run.plan)
        to_render = sum(missing.values())
        _say_kept(run, len(units) - to_render, to_render, observer)
        rendered: Counter[str] = Counter()
        stopped = _render(run, round_, missing, options, observer, rendered)
        draws = not stopped and (options.shard is None or _has_all_results(run))
        drawn = draw_missing_sheets(run, bool(missing)) if draws else Drawn(())
        for remark in drawn.remarks:
            observer.said(f"Note: {remark}")
        outcome = _outcome(run, units, drawn.paths, stopped)
        return replace(outcome, rendered=dict(rendered), to_render=to_render)


@contextlib.contextmanager
def begun_run(
    planned: PlannedSpec, output: Path, options: RenderOptions, observer: Observer
) -> Iterator[tuple[RunFolder, Round, Sequence[Unit]]]:
    """Make the folder of a run, or go on with the one that is there, and begin a round of what it lacks.

    Yields:
        The run, the round, and the units that were asked for.
    """
    wanted = choose_units(planned.plan, options.only)
    batches = _batches(planned, options)
    units = _asked_for(planned, batches, wanted)
    if needs_more_than_python(planned.plan):
        for remark in check_machine(planned.plan, units if options.again else _unfinished(output, units)):
            observer.said(f"Note: {remark}")
    again = frozenset(unit.path for unit in units) if options.again else frozenset()
    asked = Asked(only=wanted, again=again, force=options.force)
    with RunFolder.begin(
        output, planned.plan, planned.text, planned.facts, asked=asked, shard=_shard_name(options)
    ) as run:
        _tell(run, observer)
        # of what was finished before; copies of other pictures are written with them
        for remark in (*write_copies(run), *said_of_lacking_files(run)):
            observer.said(f"Note: {remark}")
        yield run, _begin_round(run, batches, wanted), units


def _begin_round(run: RunFolder, batches: Sequence[int], wanted: frozenset[str] | None) -> Round:
    """Begin a round of what is not finished; what failed is tried again."""
    with without_cycles():
        look = look_at(run)
        states = [look.state(place) for place in run.plan.places()]
    if FAILED in states:
        failed = {i for i, state in enumerate(states) if state == FAILED}
        _forget_failures(run, batches, wanted, failed)  # first: a worker of the round passes over what failed
    return begin_round(run.path, run.plan, batches, wanted, lambda i: states[i] not in FINISHED)


def _forget_failures(
    run: RunFolder, batches: Sequence[int], wanted: frozenset[str] | None, failed: Set[int]
) -> None:
    for batch in batches:
        units = [run.plan.units[i] for i in run.plan.batches[batch] if i in failed]
        asked = [unit for unit in units if wanted is None or unit.path in wanted]
        if asked and not is_claimed(run.path, batch):
            forget_attempts(run.path, [batch])  # before the failures, which bring a killed command here again
        for unit in asked:
            run.forget_failure(unit)


def _asked_for(planned: PlannedSpec, batches: Sequence[int], wanted: frozenset[str] | None) -> Sequence[Unit]:
    return [unit for number in batches for unit in planned.plan.units_of(number, wanted)]


def _to_render(planned: PlannedSpec, output: Path, options: RenderOptions) -> Sequence[Unit]:
    wanted = choose_units(planned.plan, options.only)
    units = _asked_for(planned, _batches(planned, options), wanted)
    return units if options.again else _unfinished(output, units)


def _unfinished(output: Path, units: Sequence[Unit]) -> Sequence[Unit]:
    try:
        run = RunFolder.read(output)
    except UsageError:  # there is none yet, or it is refused later
        return units
    return [unit for unit in units if not run.is_finished(unit)]


def _batches(planned: PlannedSpec, options: RenderOptions) -> Sequence[int]:
    if options.shard is None:
        return range(len(planned.plan.batches))
    return planned.plan.shard(*options.shard)


def _shard_name(options: RenderOptions) -> str | None:
    return None if options.shard is None else "{}-of-{}".format(*options.shard)


def _tell(run: RunFolder, observer: Observer) -> None:
    """Say what became of the pictures that were there."""
    if run.growth is None:
        return
    said = [run.growth.said(run.replaced)] if run.growth.is_worth_saying else []
    for line in (*said, *filter(None, [run.growth.remark])):
        run.log(f"{run.path}: {line}")
        observer.said(f"{run.path}: {line}")


def _say_kept(run: RunFolder, kept: int, missing: int, observer: Observer) -> None:
    """Say before anything is loaded that a run goes on, unless it was said what became of its pictures."""
    is_said = run.growth is not None and run.growth.is_worth_saying
    if kept and missing and not is_said:
        line = f"{run.path}: {kept} kept, {missing} to render"
        run.log(line)
        observer.said(line)


def _has_all_results(run: RunFolder) -> bool:
    """Tell whether every unit of the run is finished or failed, whoever rendered it."""
    with without_cycles():
        look = look_at(run)
        return all(look.state(place) is not None for place in run.plan.places())


def _render(
    run: RunFolder,
    round_: Round,
    missing: Mapping[int, int],
    options: RenderOptions,
    observer: Observer,
    rendered: Counter[str],
) -> bool:
    """Render the missing units and count them by status; tell whether it was stopped before its end."""
    if not missing:
        return False
    log = RenderLog(run, missing)
    observer.started(run, missing)
    try:
        events = ENGINES[options.engine]().run(run, round_, options.engine_options)
        with contextlib.closing(events):  # type: ignore[type-var]  # engines are generators
            for event in events:
                if observer.wants_stop():
                    return True
                rendered.update(event.counts)
                observer.saw(event)
                for line in log.lines(event):
                    observer.said(line)
    finally:
        observer.ended()
    return observer.wants_stop()


def _outcome(run: RunFolder, units: Sequence[Unit], sheets: Sequence[Path], stopped: bool) -> RenderOutcome:
    with without_cycles():
        look = look_at(run)
        done = sum(look.state(place) in FINISHED for place in run.plan.places())
        states, remarks = [], {}
        for place in places_of(units):
            states.append(look.state(place))
            if states[-1] == DONE and (odd := look.remarks(place)):
                remarks[place.path] = odd
    counts = Counter(state or MISSING for state in states)
    failed = [unit for unit, state in zip(units, states, strict=True) if state == FAILED]
    reasons = tuple(
        (unit.path, str(look.reason(place))) for unit, place in zip(failed, places_of(failed), strict=True)
    )
    return RenderOutcome(
        run.path, dict(counts), reasons, tuple(sheets), stopped, done, len(run.plan.units), remarks
    )
