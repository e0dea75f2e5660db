"""Commands of pages, run with pictures of one step; these need TensorFlow."""

from __future__ import annotations

import tensorflow as tf
from click.testing import Result

from tests.helpers.pages import quicker
from tests.helpers.running import fvcli


def run_quickly(words: list[str]) -> Result:
    """Run a command in this process; compile nothing for a single step, which takes less than compiling."""
    said = quicker(words)
    tf.config.run_functions_eagerly(words[0] == "work" or "render.steps=1" in said)
    try:
        return fvcli(*said)
    finally:
        tf.config.run_functions_eagerly(False)
