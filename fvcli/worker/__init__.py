"""The worker: claims batches of a run, makes their pictures, commits them. Imports TensorFlow."""

from fvcli.worker.events import BatchDone, BatchStarted, Compiling, StepsDone, Waiting
from fvcli.worker.options import WorkerOptions
from fvcli.worker.render_batches import Worker

__all__ = ["BatchDone", "BatchStarted", "Compiling", "StepsDone", "Waiting", "Worker", "WorkerOptions"]
