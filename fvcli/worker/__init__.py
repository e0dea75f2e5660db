"""The worker: takes batch numbers of a run, makes their pictures, commits them. Imports TensorFlow."""

from fvcli.worker.render_batches import BatchDone, BatchStarted, StepsDone, Worker

__all__ = ["BatchDone", "BatchStarted", "StepsDone", "Worker"]
