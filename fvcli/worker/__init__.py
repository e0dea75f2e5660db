"""The worker: takes batch numbers of a run, makes their pictures, commits them. Imports TensorFlow."""

from fvcli.worker.render import BatchDone, StepsDone, Worker

__all__ = ["BatchDone", "StepsDone", "Worker"]
