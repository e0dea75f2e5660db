"""Print what TensorFlow computes on, and its versions, as a line of JSON."""

from __future__ import annotations

import json

import tensorflow as tf

from fvcli.run.environment import versions
from fvcli.worker.device import device_facts, set_up_device


def _main() -> None:
    device = set_up_device()
    gpus = tf.config.list_physical_devices("GPU")
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    facts = {
        "device": device.name,
        "is_gpu": device.is_gpu,
        "compute_capability": details.get("compute_capability"),
        "auto_precision": device.precision,
        "versions": versions(),
        **device_facts(),
    }
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    _main()
