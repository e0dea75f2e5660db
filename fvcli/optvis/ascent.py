"""The ascent: one compiled loop that makes pictures better at their objectives.

    numbers --parameterization--> picture --transforms--> view --network--> T --objective--> scores
       ^                                                                                       |
       +------------------------------- optimizer <--------------- gradient of -sum(scores) ---+

What differs between units (indices, weights, random draws, where each stands in its schedule) is an
input of the compiled function; what it closes over (network, sizes, recipe) is what has to be compiled
anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from fvcli.optvis.images import Parameterization
from fvcli.optvis.network import Network
from fvcli.optvis.objectives import Objective
from fvcli.optvis.optimizers import Optimizer
from fvcli.optvis.transforms import Transform, apply_all

Units = Mapping[str, np.ndarray]
MakeObjective = Callable[[Units], Objective]

STEPS_PER_CALL = 16  # steps inside one call of the graph; between calls a signal is heard


@dataclass(frozen=True)
class Recipe:
    """How to climb, apart from the objective and the network.

    redirect_steps: Steps at the start during which silent ReLUs pass gradients on.
    """

    parameterization: Parameterization
    transforms: Sequence[Transform]
    optimizer: Optimizer
    redirect_steps: int


@dataclass(frozen=True)
class State:
    """Where an ascent stands: the numbers, the optimizer's memory, and steps done.

    silent: bool [batch]; the last step's gradient of that image was zero throughout.
    score: float32 [batch]; the mean score of the last call's views.
    """

    numbers: tf.Tensor
    slots: tuple[tf.Tensor, ...]
    step: int
    silent: tf.Tensor
    score: tf.Tensor


class _Schedule(NamedTuple):
    """When the steps of a call are taken; see ``Ascent.climb``."""

    done: tf.Tensor
    steps: tf.Tensor
    total: tf.Tensor
    skipped: tf.Tensor
    moving: tf.Tensor


class Ascent:
    """A compiled ascent for batches of one size; see the module for the picture of it.

    Args:
        network: The model to climb on.
        objective: Units as tensors -> the objective for such a batch.
        recipe: The rest.
        plain: The network and the objective that whole pictures are scored with; by default the same.
        jit_compile: Compile what comes after the transforms with XLA, which pays on GPUs where views have
            one size. Transforms have no XLA kernel.
    """

    def __init__(
        self,
        network: Network,
        objective: MakeObjective,
        recipe: Recipe,
        plain: tuple[Network, MakeObjective] | None = None,
        jit_compile: bool = False,
    ) -> None:
        self._network = network
        self._plain = plain or (network, objective)
        self._objective = objective
        self._recipe = recipe
        self._see = self._scores_of_views
        if jit_compile:
            self._see = tf.function(self._see, autograph=False, jit_compile=True)
        self._climb = tf.function(self._loop, autograph=False)
        self._score = tf.function(self._plain_score, autograph=False)
        self.picture = tf.function(recipe.parameterization.to_image, autograph=False)

    @property
    def traces(self) -> int:
        """How often the loop has been traced: once, whatever the number of units."""
        return self._climb.experimental_get_tracing_count()

    def start(self, streams: Sequence[np.random.Generator]) -> State:
        """Draw the initial numbers of a batch, each image's from its own stream."""
        numbers = tf.constant(self._recipe.parameterization.initial(streams))
        slots = tuple(tf.zeros_like(numbers) for _ in range(self._recipe.optimizer.slots))
        batch = numbers.shape[0]
        return State(numbers, slots, 0, tf.zeros(batch, tf.bool), tf.zeros(batch))

    def climb(
        self,
        state: State,
        units: Units,
        steps: int,
        streams: Sequence[np.random.Generator],
        shared_stream: np.random.Generator,
        total: int | None = None,
        skipped: np.ndarray | None = None,
        moving: np.ndarray | None = None,
    ) -> State:
        """Take up to STEPS_PER_CALL steps; each stream goes on where the call before left it.

        Args:
            state: From ``start`` or the call before.
            units: What differs between the images, [batch] or [batch, ...] each.
            steps: How many to take.
            streams: One for each image.
            shared_stream: For what the batch shares.
            total: Steps of the whole ascent, for schedules; without it they stay where they start.
            skipped: Steps of its schedule that each image has left out, int [batch]; none by default.
            moving: Which images still change, bool [batch]; all by default.
        """
        batch = len(streams)
        own, shared = self.draws_per_step
        shape = (STEPS_PER_CALL, own)  # one shape whatever the steps, so that nothing is retraced
        draws = np.stack([s.random(shape, dtype=np.float32) for s in streams], axis=1)
        common = shared_stream.random((STEPS_PER_CALL, shared), dtype=np.float32)
        taken = min(steps, STEPS_PER_CALL)
        schedule = _Schedule(
            done=tf.constant(state.step),
            steps=tf.constant(taken),
            total=tf.constant(float(total or np.inf), tf.float32),
            skipped=tf.constant(np.zeros(batch) if skipped is None else skipped, tf.float32),
            moving=tf.constant(np.ones(batch) if moving is None else moving, tf.float32),
        )
        numbers, slots, silent, score = self._climb(
            state.numbers,
            state.slots,
            {name: tf.constant(value) for name, value in units.items()},
            tf.constant(draws),  # [steps, batch, own]
            tf.constant(common),  # [steps, shared]
            schedule,
        )
        return State(numbers, slots, state.step + taken, silent, score / taken)

    @property
    def draws_per_step(self) -> tuple[int, int]:
        """How many random numbers a step takes: for each image, and for the batch."""
        own = sum(t.draws for t in self._recipe.transforms if not t.shared)
        return own, sum(t.draws for t in self._recipe.transforms if t.shared)

    def score(self, images: np.ndarray | tf.Tensor, units: Units) -> np.ndarray:
        """Return the plain objective of images [batch, h, w, c] in [0, 1]: no transforms."""
        tensors = {name: tf.constant(value) for name, value in units.items()}
        return self._score(tf.convert_to_tensor(images, tf.float32), tensors).numpy()

    def _plain_score(self, images: tf.Tensor, units: Units) -> tf.Tensor:
        network, objective = self._plain
        return objective(units)(network(images, redirect=False))

    def _loop(
        self,
        numbers: tf.Tensor,
        slots: tuple[tf.Tensor, ...],
        units: Units,
        draws: tf.Tensor,
        shared: tf.Tensor,
        schedule: _Schedule,
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...], tf.Tensor, tf.Tensor]:
        """Take the steps that redirect gradients, then the others: each kind has a body of its own."""
        redirected = tf.clip_by_value(self._recipe.redirect_steps - schedule.done, 0, schedule.steps)
        batch = numbers.shape[0]
        state = (tf.constant(0), numbers, slots, tf.zeros(batch, tf.bool), tf.zeros(batch))
        for redirect, until in ((True, redirected), (False, schedule.steps)):
            if redirect and not self._recipe.redirect_steps:
                continue

            def body(i, numbers, slots, _silent, score, redirect=redirect):
                gradient, scores = self._gradient(numbers, units, draws[i], shared[i], redirect)
                numbers, slots = self._step(numbers, slots, gradient, schedule, i)
                rest = list(range(1, numbers.shape.rank))
                return i + 1, numbers, slots, tf.reduce_all(gradient == 0.0, axis=rest), score + scores

            state = tf.while_loop(lambda i, *_, until=until: i < until, body, state)
        return state[1:]

    def _step(
        self,
        numbers: tf.Tensor,
        slots: tuple[tf.Tensor, ...],
        gradient: tf.Tensor,
        schedule: _Schedule,
        i: tf.Tensor,
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        change, slots = self._recipe.optimizer.update(gradient, slots, schedule.done + i + 1)
        share = (tf.cast(schedule.done + i, tf.float32) + schedule.skipped) / schedule.total
        rate = self._recipe.optimizer.rate(share) * schedule.moving  # [batch]
        rate = tf.reshape(rate, [-1] + [1] * (numbers.shape.rank - 1))
        change *= rate * self._recipe.parameterization.focus(share)
        change = tf.where(rate > 0.0, change, 0.0)  # an image that stands has no change, not even NaN
        return numbers - change, slots

    def _gradient(
        self, numbers: tf.Tensor, units: Units, draws: tf.Tensor, shared: tf.Tensor, redirect: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the gradient of the loss, the negative sum of scores, and the scores.

        Each image follows its own gradient.
        """
        with tf.GradientTape() as tape:
            tape.watch(numbers)
            images = self._recipe.parameterization.to_image(numbers)
            views = apply_all(self._recipe.transforms, images, draws, shared)
            scores = self._see(views, units, redirect)
            loss = -tf.reduce_sum(scores) * self._network.loss_scale
        return tape.gradient(loss, numbers) / self._network.loss_scale, scores

    def _scores_of_views(self, views: tf.Tensor, units: Units, redirect: bool) -> tf.Tensor:
        return self._objective(units)(self._network(views, redirect))
