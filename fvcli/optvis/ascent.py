"""The ascent: one compiled loop that makes pictures better at their objectives.

    numbers --parameterization--> picture --transforms--> view --network--> T --objective--> scores
       ^                                                                                       |
       +------------------------------- optimizer <--------------- gradient of -sum(scores) ---+

What differs between units (indices, weights, random draws) is an input of the compiled function; what
it closes over (network, sizes, recipe) is what has to be compiled anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from fvcli.optvis.images import Parameterization
from fvcli.optvis.network import Network
from fvcli.optvis.objectives import Objective
from fvcli.optvis.optimizers import Optimizer
from fvcli.optvis.transforms import Transform, apply_all

Units = Mapping[str, np.ndarray]

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
    """Where an ascent stands: the numbers, the optimizer's memory, steps done, and which are silent.

    silent: bool [batch]; the last step's gradient of that image was zero throughout.
    """

    numbers: tf.Tensor
    slots: tuple[tf.Tensor, ...]
    step: int
    silent: tf.Tensor


class Ascent:
    """A compiled ascent for batches of one size; see the module for the picture of it.

    Args:
        network: From ``fvcli.optvis.network.cut``.
        objective: Units as tensors -> the objective for such a batch.
        recipe: The rest.
    """

    def __init__(self, network: Network, objective: Callable[[Units], Objective], recipe: Recipe) -> None:
        self._network = network
        self._objective = objective
        self._recipe = recipe
        self._climb = tf.function(self._loop)
        self._score = tf.function(self._plain_score)
        self.picture = tf.function(recipe.parameterization.to_image)

    @property
    def traces(self) -> int:
        """How often the loop has been traced: once, whatever the number of units."""
        return self._climb.experimental_get_tracing_count()

    def start(self, streams: Sequence[np.random.Generator]) -> State:
        """Draw the initial numbers of a batch, each image's from its own stream."""
        numbers = tf.constant(self._recipe.parameterization.initial(streams))
        slots = tuple(tf.zeros_like(numbers) for _ in range(self._recipe.optimizer.slots))
        return State(numbers, slots, 0, tf.zeros(numbers.shape[0], tf.bool))

    def climb(
        self,
        state: State,
        units: Units,
        steps: int,
        streams: Sequence[np.random.Generator],
        shared_stream: np.random.Generator,
        total: int | None = None,
    ) -> State:
        """Take up to STEPS_PER_CALL steps; each stream goes on where the call before left it.

        Args:
            state: From ``start`` or the call before.
            units: What differs between the images, [batch] or [batch, ...] each.
            steps: How many to take.
            streams: One for each image.
            shared_stream: For what the batch shares.
            total: Steps of the whole ascent, for schedules; without it they stay where they start.
        """
        own, shared = self.draws_per_step
        shape = (STEPS_PER_CALL, own)  # one shape whatever the steps, so that nothing is retraced
        draws = np.stack([s.random(shape, dtype=np.float32) for s in streams], axis=1)
        common = shared_stream.random((STEPS_PER_CALL, shared), dtype=np.float32)
        numbers, slots, silent = self._climb(
            state.numbers,
            state.slots,
            {name: tf.constant(value) for name, value in units.items()},
            tf.constant(draws),  # [steps, batch, own]
            tf.constant(common),  # [steps, shared]
            tf.constant(state.step),
            tf.constant(min(steps, STEPS_PER_CALL)),
            tf.constant(float(total or np.inf), tf.float32),
        )
        return State(numbers, slots, state.step + min(steps, STEPS_PER_CALL), silent)

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
        return self._objective(units)(self._network(images, tf.constant(False)))

    def _loop(
        self,
        numbers: tf.Tensor,
        slots: tuple[tf.Tensor, ...],
        units: Units,
        draws: tf.Tensor,
        shared: tf.Tensor,
        done: tf.Tensor,
        steps: tf.Tensor,
        total: tf.Tensor,
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, ...], tf.Tensor]:
        def body(
            i: tf.Tensor, numbers: tf.Tensor, slots: tuple[tf.Tensor, ...], _silent: tf.Tensor
        ) -> tuple[tf.Tensor, ...]:
            redirect = done + i < self._recipe.redirect_steps
            gradient = self._gradient(numbers, units, draws[i], shared[i], redirect)
            change, slots = self._recipe.optimizer.update(gradient, slots, done + i + 1)
            share = tf.cast(done + i, tf.float32) / total
            change *= self._recipe.optimizer.rate(share) * self._recipe.parameterization.focus(share)
            rest = list(range(1, numbers.shape.rank))
            return i + 1, numbers - change, slots, tf.reduce_all(gradient == 0.0, axis=rest)

        silent = tf.zeros(numbers.shape[0], tf.bool)
        start = (tf.constant(0), numbers, slots, silent)
        return tf.while_loop(lambda i, *_: i < steps, body, start)[1:]

    def _gradient(
        self,
        numbers: tf.Tensor,
        units: Units,
        draws: tf.Tensor,
        shared: tf.Tensor,
        redirect: tf.Tensor,
    ) -> tf.Tensor:
        """Return the gradient of the loss, the negative sum of scores: each image follows its own."""
        with tf.GradientTape() as tape:
            tape.watch(numbers)
            images = self._recipe.parameterization.to_image(numbers)
            views = apply_all(self._recipe.transforms, images, draws, shared)
            scores = self._objective(units)(self._network(views, redirect))
            loss = -tf.reduce_sum(scores)
        return tape.gradient(loss, numbers)
