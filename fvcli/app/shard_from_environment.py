"""Find out from environment variables which slice of a run this process is to render.

Schedulers and CI systems number the tasks of an array. Each reading below names the variables, how they
count, and where that is documented. A reading that could be wrong is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fvcli.errors import UsageError

OURS, COUNT = "FVCLI_SHARD", "FVCLI_SHARDS"
Environment = Mapping[str, str]


@dataclass(frozen=True)
class ShardFound:
    """Slice index, from 1, of count; and the variables that say so."""

    index: int
    count: int
    variables: tuple[str, ...]

    def __str__(self) -> str:
        return f"slice {self.index}/{self.count}, from {', '.join(self.variables)}"


@dataclass(frozen=True)
class _Task:
    """A task's number, that of the first task, how many there are, and the variables that say so."""

    number: int
    first: int
    count: int
    variables: tuple[str, ...]


def shard_from_environment(environment: Environment) -> ShardFound:
    """Return the slice that the environment names.

    ``FVCLI_SHARD=I/N`` wins over all else. ``FVCLI_SHARDS=N`` gives the number of slices to systems that do
    not tell it.

    Raises:
        UsageError: Nothing names a slice, two systems name different ones, or a reading may be wrong.
    """
    if OURS in environment:
        return _ours(environment)
    found = {name: _checked(task) for name, read in _SYSTEMS.items() if (task := read(environment))}
    if not found:
        raise UsageError(
            "--shard auto: no variable of an array job is set",
            f"run it as a task of an array, or set {OURS}=I/N, such as {OURS}=1/4",
        )
    told = {name: one for name, one in found.items() if one.count > 1} or found  # 1 of 1 is no array
    if len({(one.index, one.count) for one in told.values()}) > 1:
        said = "; ".join(f"{name}: {one}" for name, one in told.items())
        raise UsageError(f"--shard auto: two systems name different slices ({said})", _WRITE)
    shard = next(iter(told.values()))
    if _number(environment, COUNT, str(shard.count)) != shard.count:
        raise UsageError(f"--shard auto: {shard}, but {COUNT}={environment[COUNT]}", "they must agree")
    return shard


_WRITE = f"set {OURS}=I/N, with I from 1 to N"


def _ours(environment: Environment) -> ShardFound:
    index, _, count = environment[OURS].partition("/")
    if not (_is_number(index) and _is_number(count) and 1 <= int(index) <= int(count)):
        raise UsageError(f"{OURS}={environment[OURS]}: not a slice", _WRITE)
    return ShardFound(int(index), int(count), (OURS,))


def _checked(task: _Task) -> ShardFound:
    index = task.number - task.first + 1
    if not 1 <= index <= task.count:
        said = " and ".join(task.variables)
        raise UsageError(f"--shard auto: {said} name task {index} of {task.count}", _WRITE)
    return ShardFound(index, task.count, task.variables)


# ---- systems


def _slurm(environment: Environment) -> _Task | None:
    """Read an array task, or a task of srun, or a task of srun in an array task.

    man sbatch, OUTPUT ENVIRONMENT VARIABLES: SLURM_ARRAY_TASK_ID, _MIN, _MAX, _STEP and _COUNT. Of
    ``--array=3,17`` they are MIN=3, MAX=17, COUNT=2, STEP=1 (measured): a task's place is not known then.
    man srun: SLURM_PROCID (from 0) and SLURM_STEP_NUM_TASKS. A batch script outside of srun also has
    SLURM_PROCID=0, whatever --ntasks is, but no SLURM_STEP_NUM_TASKS.
    """
    array, step = _slurm_array(environment), _slurm_step(environment)
    if array is None or step is None:
        return array or step
    number = (array.number - array.first) * step.count + step.number
    return _Task(number, 0, array.count * step.count, array.variables + step.variables)


def _slurm_array(environment: Environment) -> _Task | None:
    if "SLURM_ARRAY_TASK_ID" not in environment:
        return None
    names = tuple(f"SLURM_ARRAY_TASK_{part}" for part in ("ID", "MIN", "MAX", "STEP", "COUNT"))
    number, first, last, step, count = (_number(environment, name) for name in names)
    return _in_range("Slurm", number, range(first, last + 1, max(step, 1)), count, (names[0], names[4]))


def _slurm_step(environment: Environment) -> _Task | None:
    number, count = "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"
    is_array = "SLURM_ARRAY_TASK_ID" in environment
    if count in environment:
        is_one_of_many = _number(environment, count) > 1
        return _plain(environment, number, count, first=0) if is_one_of_many or not is_array else None
    if not is_array and _number(environment, "SLURM_NTASKS", "1") > 1:
        said = f"SLURM_NTASKS={environment['SLURM_NTASKS']}, but srun did not start this process"
        raise UsageError(f"--shard auto: {said}", "write srun fvcli render ... --shard auto")
    return None


def _kubernetes(environment: Environment) -> _Task | None:
    """Read the index of a pod of an Indexed Job, from 0; its number of completions is in no variable.

    https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
    """
    return _counted_by_us(environment, "JOB_COMPLETION_INDEX", "spec.completions of the Job")


def _aws_batch(environment: Environment) -> _Task | None:
    """Read the index of a child of an array job, from 0, and the array's size.

    https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
    """
    index, size = "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"
    if index in environment and size not in environment:
        return _counted_by_us(environment, index, "the size of the array")
    return _plain(environment, index, size, first=0)


def _grid_engine(environment: Environment) -> _Task | None:
    """Read a task of ``qsub -t first-last:step``; outside of an array SGE_TASK_ID is "undefined".

    man qsub of Grid Engine: SGE_TASK_ID, SGE_TASK_FIRST, SGE_TASK_LAST, SGE_TASK_STEPSIZE.
    """
    if environment.get("SGE_TASK_ID", "undefined") == "undefined":
        return None
    names = tuple(f"SGE_TASK_{part}" for part in ("ID", "FIRST", "LAST", "STEPSIZE"))
    number, first, last, step = (_number(environment, name) for name in names)
    ids = range(first, last + 1, max(step, 1))
    return _in_range("Grid Engine", number, ids, len(ids), names)


def _pbs(environment: Environment) -> _Task | None:
    """Read a subjob of PBS Professional or OpenPBS, ``qsub -J 0-9``.

    PBS Professional Reference Guide, Environment Variables: PBS_ARRAY_INDEX. No variable has the range.
    """
    return _counted_by_us(environment, "PBS_ARRAY_INDEX", "the number of subjobs, which start with 0")


def _torque(environment: Environment) -> _Task | None:
    """Read a task of Torque, ``qsub -t 0-9``; no variable has the range.

    TORQUE Administrator Guide, Submitting multiple jobs in job arrays: PBS_ARRAYID.
    """
    return _counted_by_us(environment, "PBS_ARRAYID", "the number of tasks, which start with 0")


def _lsf(environment: Environment) -> _Task | None:
    """Read an element of ``bsub -J name[1-10]``, from 1 and without gaps; 0 outside of an array.

    IBM Spectrum LSF, Environment variables: LSB_JOBINDEX and LSB_JOBINDEX_END, the largest index. No variable
    has the smallest one or tells of gaps; so FVCLI_SHARDS has to say the same number.
    """
    if environment.get("LSB_JOBINDEX", "0") == "0":
        return None
    if COUNT not in environment:
        message = f"--shard auto: LSB_JOBINDEX is set, but not {COUNT}"
        raise UsageError(message, f"write an array from 1 without gaps and set {COUNT} to its size")
    return _plain(environment, "LSB_JOBINDEX", "LSB_JOBINDEX_END", first=1)


def _gitlab(environment: Environment) -> _Task | None:
    """Read a job with ``parallel:``, from 1; other jobs have no CI_NODE_INDEX.

    https://docs.gitlab.com/ci/variables/predefined_variables/ Other systems use the same names and count
    from 0, so GITLAB_CI has to be set as well.
    """
    if "CI_NODE_INDEX" in environment and "GITLAB_CI" not in environment:
        message = "--shard auto: CI_NODE_INDEX is set, but not by GitLab, so it may count from 0 or from 1"
        raise UsageError(message, _WRITE)
    return _plain(environment, "CI_NODE_INDEX", "CI_NODE_TOTAL", first=1)


def _circle(environment: Environment) -> _Task | None:
    """Read a job with ``parallelism:``, from 0; other jobs are 0 of 1.

    https://circleci.com/docs/variables/
    """
    return _plain(environment, "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", first=0)


def _buildkite(environment: Environment) -> _Task | None:
    """Read a step with ``parallelism:``, from 0.

    https://buildkite.com/docs/pipelines/configure/environment-variables
    """
    return _plain(environment, "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", first=0)


_SYSTEMS: dict[str, Callable[[Environment], _Task | None]] = {
    "Slurm": _slurm,
    "Kubernetes": _kubernetes,
    "AWS Batch": _aws_batch,
    "Grid Engine": _grid_engine,
    "PBS": _pbs,
    "Torque": _torque,
    "LSF": _lsf,
    "GitLab": _gitlab,
    "CircleCI": _circle,
    "Buildkite": _buildkite,
}


# ---- variables


def _in_range(system: str, number: int, ids: range, count: int, variables: tuple[str, ...]) -> _Task:
    """Return the place of a task among an array's ids.

    Raises:
        UsageError: The array has gaps, or starts late as one that repeats some tasks of another does.
    """
    said = f"{count} tasks from {ids.start} to {ids.stop - 1}"
    hint = f"write a whole array such as 0-{count - 1}, or set {OURS}=I/N in each task"
    if len(ids) != count or number not in ids or ids[-1] != ids.stop - 1:
        message = f"--shard auto: the {system} array has gaps ({said}), so a task's place is unknown"
        raise UsageError(message, hint)
    if ids.start > 1:
        message = (
            f"--shard auto: the {system} array starts with {ids.start} ({said}) and may be part of another"
        )
        raise UsageError(message, hint)
    return _Task(ids.index(number), 0, count, variables)


def _plain(environment: Environment, index: str, count: str, first: int) -> _Task | None:
    if index not in environment:
        return None
    return _Task(_number(environment, index), first, _number(environment, count), (index, count))


def _counted_by_us(environment: Environment, index: str, what: str) -> _Task | None:
    """Read an index from 0 whose system does not say how many there are; FVCLI_SHARDS does."""
    if index not in environment:
        return None
    if COUNT not in environment:
        raise UsageError(f"--shard auto: {index} is set, but not {COUNT}", f"set {COUNT} to {what}")
    return _plain(environment, index, COUNT, first=0)


def _number(environment: Environment, name: str, otherwise: str | None = None) -> int:
    text = environment.get(name, otherwise)
    if text is None:
        raise UsageError(f"--shard auto: {name} is not set", _WRITE)
    if not _is_number(text):
        raise UsageError(f"--shard auto: {name}={text}: not a number", _WRITE)
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
