"""What dataset examples cost beside the forward pass: CPU time of the process, in turn with a bare loop.

The bare loop decodes the same pictures in the same way and computes the same layers in batches of the same
size, as plainly as it can be written: one tf.function, TensorFlow's own number of threads. It keeps nothing.
Both are timed from the end of their first batch, so that neither loading nor compiling counts.

    stream   all that is worked out of each picture                          grows with the pictures
    blocks   the same with the gradients of at most 256 pictures of all, and the files of the blocks
    finish   the arrays, tables and sheets of all units; no network          grows with the units
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.tools import ToolError, last_lines
from benchmark.units import MODEL

FEW = ("block4_expand_bn", "head_bn")
MANY = (
    *("stem_bn", "block2_expand_bn", "block4_expand_bn", "block5_expand_bn", "block6_expand_bn"),
    *("block7_expand_bn", "block8_expand_bn", "block9_expand_bn", "block12_expand_bn", "head_bn"),
)
LAYERS: Mapping[str, Sequence[str]] = {"2 layers": FEW, "10 layers": MANY}
FIRST = "-0-"  # in the name of the first round's folder
WAYS = ("bare", "examples")


def examples(out: Path, images: Path, rounds: int) -> str:
    """Run the bare loop and fvcli over the same pictures in turn; return a table.

    Raises:
        ToolError: One of them failed.
    """
    folder = out / "examples"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for name in LAYERS:
        found[name] = {way: [] for way in WAYS}
        for round_ in range(rounds):
            for way in WAYS:
                place = folder / f"{name.split()[0]}-{round_}-{way}"
                found[name][way].append(_measured(way, name, images, place))
    (folder / "examples.json").write_text(json.dumps(found, indent=1))
    text = _table(found)
    (folder / "table.md").write_text(text)
    return text


def _measured(way: str, layers: str, images: Path, place: Path) -> dict[str, Any]:
    """Return what one pass took, in a process of its own."""
    command = [sys.executable, "-m", "benchmark.examples", way, layers, str(images), str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(last_lines(done.stderr))
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _table(found: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> str:
    lines = [
        "| layers | bare, ms | stream, ms | stream / bare | blocks, ms | blocks / bare | finish, ms a unit |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, ways in found.items():
        bare_ms = [1000 * run["stream_s"] for run in ways["bare"]]
        cells = [_spread(bare_ms, 1)]
        for key in ("stream_s", "blocks_s"):
            own_ms = [1000 * run[key] for run in ways["examples"]]
            ratios = [own / plain for own, plain in zip(own_ms, bare_ms, strict=True)]
            cells += [_spread(own_ms, 1), _spread(ratios, 2)]
        finish_ms = [1000 * run["finish_s_a_unit"] for run in ways["examples"] if "finish_s_a_unit" in run]
        cells.append(_spread(finish_ms, 1) if finish_ms else "")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _spread(values: Sequence[float], digits: int) -> str:
    """Write the median, and the least and the greatest."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


# ---- one pass, in a process of its own


class _Clock:
    """CPU times of the process from the end of the first batch."""

    def __init__(self) -> None:
        self._times: list[tuple[float, int]] = []

    def seen(self, count: int) -> None:
        self._times.append((time.process_time(), count))

    def result(self) -> dict[str, float]:
        """Return CPU seconds a picture: until the last batch, and until now."""
        pictures = sum(count for _, count in self._times[1:])
        began = self._times[0][0]
        ends = {"stream_s": self._times[-1][0], "blocks_s": time.process_time()}
        return {key: (end - began) / pictures for key, end in ends.items()}


def bare(layers: Sequence[str], images: Path, _place: Path) -> dict[str, float]:
    """Decode all pictures and compute the layers."""
    import tensorflow as tf

    from fvcli.media import list_pictures, read_pixels
    from fvcli.models import ModelChoice, load
    from fvcli.run.examples.origin import BATCH

    model = load(ModelChoice(MODEL))
    size_px, pictures = model.facts.native_size_px, list_pictures(images)
    network = model.network()

    def decode(number: int) -> Any:
        return read_pixels(pictures.path(int(number)), size_px)

    def decoded(number: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(decode, [number], tf.uint8), [*size_px, 3])

    @tf.function(autograph=False)
    def forward(batch: tf.Tensor) -> list[tf.Tensor]:
        read = network(tf.cast(batch, tf.float32) / 255, redirect=False)
        return [read(layer) for layer in layers]

    dataset = tf.data.Dataset.range(len(pictures)).map(decoded, num_parallel_calls=tf.data.AUTOTUNE)
    clock = _Clock()
    for batch in dataset.batch(BATCH, drop_remainder=True).prefetch(2):
        forward(batch)[-1].numpy()
        clock.seen(BATCH)
    return clock.result()


def collected(layers: Sequence[str], images: Path, place: Path) -> dict[str, float]:
    """Let fvcli work out the parts of all blocks, and finish them in the first round."""
    from fvcli.app.collect_examples import ExamplesOptions, asked_for
    from fvcli.app.plan_spec import plan_of_spec
    from fvcli.models import load
    from fvcli.run.examples.finish import finish
    from fvcli.run.examples.layout import SAMPLE
    from fvcli.run.examples.origin import with_spare
    from fvcli.run.examples.parts import Parts
    from fvcli.worker.device import set_up_device
    from fvcli.worker.examples import Streaming, stream_blocks

    place.mkdir(parents=True)
    jobs = [{"name": layer, "layer": layer, "channels": "all"} for layer in layers]
    spec = place / "spec.yaml"
    spec.write_text(json.dumps({"model": MODEL, "jobs": jobs}))
    planned, device = plan_of_spec(str(spec), []), set_up_device()
    asked = asked_for(planned.plan, planned.facts, images, ExamplesOptions())
    drawn = asked.pictures.drawn(with_spare(SAMPLE))
    streaming = Streaming(asked, drawn, range(asked.origin.blocks))
    clock, parts, model = _Clock(), Parts(place), load(planned.plan.model)
    parts.begin(asked.origin)
    stream_blocks(parts, streaming, model, device, clock.seen, lambda: False)
    result = clock.result()
    if FIRST in place.name:
        began = time.process_time()
        finish(place, asked, drawn, lambda *_: None, lambda: False)
        result["finish_s_a_unit"] = (time.process_time() - began) / asked.units.count
    return result


PASSES: Mapping[str, Callable[[Sequence[str], Path, Path], dict[str, float]]] = {
    "bare": bare,
    "examples": collected,
}


def _main(way: str, layers: str, images: str, place: str) -> Iterator[str]:
    yield json.dumps(PASSES[way](LAYERS[layers], Path(images), Path(place)))


if __name__ == "__main__":
    for line in _main(*sys.argv[1:]):
        print(line)
