"""The ascent: one compiled loop that makes pictures better at their objectives.

    params --parameterization--> picture --transforms--> view --network--> T --objective--> scores
       ^                                                                                       |
       +------------------------------- optimizer <--------------- gradient of -sum(scores) ---+

What differs between units (indices, weights, target pictures, random draws, where each stands in its
schedule) is an input of the compiled function; what it closes over (network, sizes, recipe) is what has to
be compiled anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from fvcli.optvis.activations import Activations, opaque
from fvcli.optvis.compiled import compiled
from fvcli.optvis.network import Network
from fvcli.optvis.objectives import Objective
from fvcli.optvis.optimizers import Optimizer
from fvcli.optvis.parameterizations import Parameterization, Params
from fvcli.optvis.regularizers import Regularizer
from fvcli.optvis.state import Draws, Gradient, Schedule, State
from fvcli.optvis.transforms import Transform, apply_all

Units = Mapping[str, np.ndarray]
MakeObjective = Callable[[Units], Objective]

STEPS_PER_CALL = 16  # steps inside one call of the graph; between calls a signal is heard
TARGET = "target"  # the name among the units' arrays of the pictures that are seen beside theirs


@dataclass(frozen=True)
class Recipe:
    """How to ascend, apart from the objective and the network.

    redirect_steps: Steps at the start during which silent ReLUs pass gradients on.
    regularizers: What is done to the params after each step, in order.
    views: How many views of each picture a step looks at; its score is their mean.
    attention: Whether to gather where the gradient of the picture was large.
    """

    parameterization: Parameterization
    transforms: Sequence[Transform]
    optimizer: Optimizer
    redirect_steps: int
    regularizers: Sequence[Regularizer] = ()
    views: int = 1
    attention: bool = False


class Ascent:
    """A compiled ascent for batches of one size; see the module for the picture of it.

    Args:
        network: The model to ascend with.
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
        self._compiled_loop = compiled(self._loop)
        self._score = compiled(self._plain_score)
        self.picture = compiled(recipe.parameterization.to_image)

    @property
    def traces(self) -> int:
        """How often the loop has been traced: once, whatever the number of units."""
        return self._compiled_loop.experimental_get_tracing_count()

    def start(self, streams: Sequence[np.random.Generator], images: np.ndarray | None = None) -> State:
        """Draw the initial params of a batch, each image's from its own stream.

        Args:
            streams: One for each image.
            images: Pictures [batch, h, w, channels] in [0, 1] to start from instead.
        """
        parameterization = self._recipe.parameterization
        if images is None:
            arrays = parameterization.initial(streams)
        else:
            assert parameterization.from_image is not None  # or the plan refuses it
            arrays = parameterization.from_image(images)
        params = tuple(tf.constant(array) for array in arrays)
        slots = tuple(tuple(map(tf.zeros_like, params)) for _ in range(self._recipe.optimizer.slots))
        batch = len(streams)
        size = self.picture(params).shape[1:3] if self._recipe.attention else (0, 0)
        attention = tf.zeros((batch, *size))
        trace = tf.zeros((STEPS_PER_CALL, batch))
        return State(params, slots, 0, tf.zeros(batch, tf.bool), tf.zeros(batch), trace, attention)

    def draw(
        self, streams: Sequence[np.random.Generator], shared_stream: np.random.Generator | None = None
    ) -> Draws:
        """Draw what STEPS_PER_CALL steps need; each stream goes on where the call before left it.

        Args:
            streams: One for each image.
            shared_stream: For what the batch shares.
        """
        own, shared = self.draws_per_step
        views = self._recipe.views
        # one shape whatever the steps, so that nothing is retraced
        drawn = [s.random((STEPS_PER_CALL, views, own), dtype=np.float32) for s in streams]
        stacked = np.stack(drawn, axis=2).reshape(STEPS_PER_CALL, views * len(streams), own)
        empty = np.zeros((STEPS_PER_CALL, 0), np.float32)
        common = shared_stream.random((STEPS_PER_CALL, shared), dtype=np.float32) if shared_stream else empty
        return Draws(stacked, common)

    def take_steps(
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
        """Take up to STEPS_PER_CALL steps with new draws; see ``advance``."""
        draws = self.draw(streams, shared_stream)
        return self.advance(state, units, steps, draws, 0, total, skipped, moving)

    def advance(
        self,
        state: State,
        units: Units,
        steps: int,
        draws: Draws,
        used: int = 0,
        total: int | None = None,
        skipped: np.ndarray | None = None,
        moving: np.ndarray | None = None,
    ) -> State:
        """Take some steps.

        Args:
            state: From ``start`` or the call before.
            units: What differs between the images, [batch] or [batch, ...] each.
            steps: How many to take, of those that there are draws for.
            draws: From ``draw``.
            used: How many steps' draws were used before.
            total: Steps of the whole ascent, for schedules; without it they stay where they start.
            skipped: Steps of its schedule that each image has left out, int [batch]; none by default.
            moving: Which images still change, bool [batch]; all by default.
        """
        batch = state.silent.shape[0]
        taken = min(steps, STEPS_PER_CALL - used)
        schedule = Schedule(
            done=tf.constant(state.step),
            begin=tf.constant(used),
            steps=tf.constant(taken),
            total=tf.constant(float(total or np.inf), tf.float32),
            skipped=tf.constant(np.zeros(batch) if skipped is None else skipped, tf.float32),
            moving=tf.constant(np.ones(batch) if moving is None else moving, tf.float32),
        )
        params, slots, silent, score, trace, attention = self._compiled_loop(
            state.params,
            state.slots,
            tf.zeros_like(state.trace) if used == 0 else state.trace,
            state.attention,
            {name: tf.constant(value) for name, value in units.items()},
            tf.constant(draws.own),
            tf.constant(draws.shared),
            schedule,
        )
        mean = (state.score * used + score) / (used + taken)
        return State(params, slots, state.step + taken, silent, mean, trace, attention)

    @property
    def draws_per_step(self) -> tuple[int, int]:
        """How many random numbers a step takes: for each view, and for the batch."""
        own = sum(t.draws for t in self._recipe.transforms if not t.shared)
        return own, sum(t.draws for t in self._recipe.transforms if t.shared)

    def score(self, images: np.ndarray | tf.Tensor, units: Units) -> np.ndarray:
        """Return the plain objective of images [batch, h, w, c] in [0, 1]: no transforms.

        Transparent pictures are seen on mid grey.
        """
        tensors = {name: tf.constant(value) for name, value in units.items()}
        return self._score(tf.convert_to_tensor(images, tf.float32), tensors).numpy()

    def _plain_score(self, images: tf.Tensor, units: Units) -> tf.Tensor:
        network, objective = self._plain
        whole = opaque(images) if self._recipe.parameterization.transparent else images
        target = network(units[TARGET], redirect=False) if TARGET in units else None
        return objective(units)(Activations(network(whole, redirect=False), images, target))

    def _loop(
        self,
        params: Params,
        slots: tuple[Params, ...],
        trace: tf.Tensor,
        attention: tf.Tensor,
        units: Units,
        draws: tf.Tensor,
        shared: tf.Tensor,
        schedule: Schedule,
    ) -> tuple[Params, tuple[Params, ...], tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Take the steps that redirect gradients, then the others: each kind has a body of its own."""
        redirected = tf.clip_by_value(self._recipe.redirect_steps - schedule.done, 0, schedule.steps)
        batch = params[0].shape[0]
        state = (tf.constant(0), params, slots, tf.zeros(batch, tf.bool), tf.zeros(batch), trace, attention)
        for redirect, until in ((True, redirected), (False, schedule.steps)):
            if redirect and not self._recipe.redirect_steps:
                continue

            def body(i, params, slots, _silent, score, trace, attention, redirect=redirect):
                at, share = schedule.begin + i, schedule.share(i)
                found = self._gradient(params, units, draws[at], shared[at], share, redirect)
                params, slots = self._step(params, slots, found.of_params, schedule, i)
                if found.of_images is not None:
                    gathered = tf.reduce_mean(tf.abs(found.of_images), axis=-1)
                    attention += gathered * schedule.moving[:, None, None]
                score += found.scores
                here = tf.range(STEPS_PER_CALL) == at  # not a product: 0 times NaN is NaN
                trace = tf.where(here[:, None], found.scores[None], trace)
                return i + 1, params, slots, _is_zero(found.of_params), score, trace, attention

            state = tf.while_loop(lambda i, *_, until=until: i < until, body, state)
        return state[1:]

    def _step(
        self,
        params: Params,
        slots: tuple[Params, ...],
        gradient: Params,
        schedule: Schedule,
        i: tf.Tensor,
    ) -> tuple[Params, tuple[Params, ...]]:
        step, share = schedule.done + i + 1, schedule.share(i)
        changes, slots = self._recipe.optimizer.update(gradient, slots, step)
        rate = self._recipe.optimizer.rate(share) * schedule.moving  # [batch]
        focus = self._recipe.parameterization.focus
        factors = focus(share) if focus else (1.0,) * len(params)
        moved = []
        for number, change, factor in zip(params, changes, factors, strict=True):
            own_rate = tf.reshape(rate, [-1] + [1] * (number.shape.rank - 1))
            scaled = change * (own_rate * factor)
            # an image that stands has no change, not even NaN
            moved.append(number - tf.where(own_rate > 0.0, scaled, 0.0))
        return self._regularized(params, tuple(moved), gradient, step, rate > 0.0), slots

    def _regularized(
        self, before: Params, params: Params, gradient: Params, step: tf.Tensor, moving: tf.Tensor
    ) -> Params:
        if not self._recipe.regularizers:
            return params
        for regularizer in self._recipe.regularizers:
            params = regularizer.apply(params, gradient, step)
        masks = (tf.reshape(moving, [-1] + [1] * (number.shape.rank - 1)) for number in params)
        return tuple(tf.where(m, new, old) for m, new, old in zip(masks, params, before, strict=True))

    def _gradient(
        self,
        params: Params,
        units: Units,
        draws: tf.Tensor,
        shared: tf.Tensor,
        share: tf.Tensor,
        redirect: bool,
    ) -> Gradient:
        """Return the gradient of the loss, the negative sum of scores, and the scores.

        Each image follows its own gradient.
        """
        with tf.GradientTape() as tape:
            tape.watch(params)
            images = self._recipe.parameterization.to_image(params)
            scores = self._scores(images, units, draws, shared, share, redirect)
            loss = -tf.reduce_sum(scores) * self._network.loss_scale
        sources = (*params, images) if self._recipe.attention else params
        found = tape.gradient(loss, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        scaled = tuple(gradient / self._network.loss_scale for gradient in found)
        count = len(params)
        return Gradient(scaled[:count], scaled[count] if self._recipe.attention else None, scores)

    def _scores(
        self,
        images: tf.Tensor,
        units: Units,
        draws: tf.Tensor,
        shared: tf.Tensor,
        share: tf.Tensor,
        redirect: bool,
    ) -> tf.Tensor:
        """Return the score of each image, the mean over its views; targets are seen as the images are.

        Views of all images come one batch after the other, so that groups of images stay together.
        """
        count = self._recipe.views
        each = {name: _repeated(value, count) for name, value in units.items()}
        pictures, shares = _repeated(images, count), _repeated(share, count)
        views = apply_all(self._recipe.transforms, pictures, draws, shared, shares)
        target = None
        if TARGET in each:
            given = each[TARGET]
            if self._recipe.parameterization.transparent:  # transforms expect an opacity
                given = tf.concat([given, tf.ones_like(given[..., :1])], axis=-1)
            target = apply_all(self._recipe.transforms, given, draws, shared, shares)
        scores = self._see(views, pictures, target, each, redirect)
        return scores if count == 1 else tf.reduce_mean(tf.reshape(scores, [count, -1]), axis=0)

    def _scores_of_views(
        self,
        views: tf.Tensor,
        pictures: tf.Tensor,
        target: tf.Tensor | None,
        units: Units,
        redirect: bool,
    ) -> tf.Tensor:
        seen = None if target is None else self._network(target, redirect=False)
        return self._objective(units)(Activations(self._network(views, redirect), pictures, seen))


def _repeated(values: tf.Tensor, count: int) -> tf.Tensor:
    return values if count == 1 else tf.concat([values] * count, axis=0)


def _is_zero(gradient: Params) -> tf.Tensor:
    """Tell which images have a gradient of zero throughout, bool [batch]."""
    parts = [tf.reduce_all(g == 0.0, axis=list(range(1, g.shape.rank))) for g in gradient]
    return tf.reduce_all(tf.stack(parts), axis=0)
