"""fvcli where TensorFlow and Keras are set up by a program that calls it, or by a user's settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.helpers.running import SMALL_SPEC, fvcli, pictures, write_spec

SPEC = SMALL_SPEC.replace("steps: 24", "steps: 2, redirect_steps: 0").replace("channels: 0-4", "channels: 0")
IN_A_THREAD = """
import sys, threading
from pathlib import Path
from click.testing import CliRunner

def use() -> None:
    import keras, tensorflow as tf
    keras.config.set_image_data_format("channels_first")
    keras.mixed_precision.set_global_policy("mixed_float16")
    tf.reduce_sum(tf.ones(3))
    from fvcli.app.plan_spec import plan_of_spec
    from fvcli.app.render_run import render_run
    from fvcli.cli import main
    from fvcli.models import ModelChoice, load
    outcome = render_run(plan_of_spec(sys.argv[1], []), Path(sys.argv[2]))
    assert outcome.counts == {"done": 3}, outcome
    status = CliRunner().invoke(main, ["status", sys.argv[2]])
    assert status.exit_code == 0, status.output
    network = load(ModelChoice("efficientnet-lite0")).keras_model
    assert network.inputs[0].shape[-1] == 3
    assert network.layers[-1].compute_dtype == "float32"
    assert keras.config.image_data_format() == "channels_first"
    assert keras.config.dtype_policy().name == "mixed_float16"
    print("done")

thread = threading.Thread(target=use)
thread.start()
thread.join()
"""


def test_a_thread_of_a_program_that_has_used_tensorflow_gets_the_same_pictures(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SPEC)
    words = [sys.executable, "-c", IN_A_THREAD, str(spec), str(tmp_path / "there")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout == "done\n", done.stderr
    assert fvcli("render", spec, "-o", tmp_path / "here").exit_code == 0
    assert len(pictures(tmp_path / "here")) == 3
    assert pictures(tmp_path / "there") == pictures(tmp_path / "here")


def test_settings_of_a_user_are_none_of_its(tmp_path: Path) -> None:
    """TensorFlow's lines stay away at every level but 0, and Keras computes with TensorFlow."""
    keras_home = tmp_path / "keras"
    keras_home.mkdir()
    (keras_home / "keras.json").write_text(json.dumps({"backend": "jax", "floatx": "float64"}))
    settings = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "torch", "KERAS_HOME": str(keras_home)}
    words = [sys.executable, "-m", "fvcli", "inspect", "efficientnet-lite0"]
    done = subprocess.run(words, env=os.environ | settings, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == fvcli("inspect", "efficientnet-lite0").stdout
