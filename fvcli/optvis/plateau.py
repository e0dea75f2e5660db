"""Early stopping: an image whose score has flattened leaves the rest of its ascent out.

    score |            .-----.....
          |        .--'      |  skips what is left of its schedule up to the last call,
          |     .-'          |  takes that one, so that its steps shrink as planned, and stands still
          |  .-'
          +--+----+----+----+----> calls of STEPS_PER_CALL steps

Each image is judged by its own scores alone, so batch mates do not matter, and what is decided is the same
wherever the image is rendered. Images that are optimised together also end together, with the last of them.
"""

from __future__ import annotations

import numpy as np

from fvcli.optvis.ascent import STEPS_PER_CALL, State

PATIENCE = 2  # flat calls in a row, because the views of one call may happen to be poor ones


class Plateau:
    """Which images of a batch still move, and where each stands in its schedule.

    Args:
        batch: How many images.
        total: Steps of the whole ascent.
        min_gain: A call is flat when the mean score of its views exceeds that of the call before by less
            than this share of the whole rise so far; 0 never stops.
        redirect_steps: Until then a silent image may still wake up.
        members: How many images of a batch, one after the other, are a group.
    """

    def __init__(
        self, batch: int, total: int, min_gain: float, redirect_steps: int, members: int = 1
    ) -> None:
        self.skipped = np.zeros(batch, np.int32)  # steps of the schedule left out
        self.steps = np.zeros(batch, np.int32)  # steps taken
        self.moving = np.ones(batch, bool)
        self._total = total
        self._min_gain = min_gain
        self._redirect_steps = redirect_steps
        self._members = members
        self._first: np.ndarray | None = None
        self._last: np.ndarray | None = None
        self._flat = np.zeros(batch, np.int32)

    def heed(self, state: State) -> None:
        """Judge every image by a call that it has just taken."""
        self.steps[self.moving] = state.step
        clock = state.step + self.skipped
        self.moving &= clock < self._total
        if self._min_gain <= 0.0:
            return
        score = state.score.numpy().astype(np.float64)
        if self._first is not None and self._last is not None:
            rise = score - self._first  # what has not risen yet, such as a class probability, may still
            flat = (rise > 0.0) & (score - self._last < self._min_gain * rise)
            self._flat = np.where(flat, self._flat + 1, 0)
        else:
            self._first = score
        self._last = score
        silent = self._of_all(state.silent.numpy()) & (state.step >= self._redirect_steps)
        self.moving &= ~silent
        last_call = self._total - STEPS_PER_CALL
        is_flat = self._of_all(self._flat >= PATIENCE)
        skips = self.moving & is_flat & (self.skipped == 0) & (clock < last_call)
        self.skipped = np.where(skips, last_call - state.step, self.skipped).astype(np.int32)

    def _of_all(self, is_so: np.ndarray) -> np.ndarray:
        """Tell of each image whether something is so of its whole group, bool [batch]."""
        return np.repeat(is_so.reshape(-1, self._members).all(axis=1), self._members)
