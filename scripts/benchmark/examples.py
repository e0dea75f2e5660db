"""What dataset examples cost beside the forward pass: pictures a second, in turn with a bare loop.

The bare loop decodes the same pictures in the same way and computes the same layers, as plainly as it can be
written: one tf.function, batches of 32, TensorFlow's own number of threads. It keeps nothing. Both are timed
from the end of their first batch, so that neither loading nor compiling counts. Beside it stands what
examples need at the end of a block: the gradients of at most 256 pictures of all, and a file.
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
BATCH = 32  # of the bare loop
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
    """Return seconds a picture, and seconds at the end, of one pass in a process of its own."""
    command = [sys.executable, "-m", "benchmark.examples", way, layers, str(images), str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(last_lines(done.stderr))
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _table(found: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> str:
    lines = [
        "| layers | bare, pictures/s | examples, pictures/s | time, examples / bare | CPU time | end, s |",
        "|---|---|---|---|---|---|",
    ]
    for name, ways in found.items():
        paces = [[1 / run["s_a_picture"] for run in ways[way]] for way in WAYS]
        cells = [_spread(pace, 1) for pace in paces]
        for key in ("s_a_picture", "cpu_s_a_picture"):
            pairs = zip(ways["examples"], ways["bare"], strict=True)
            cells.append(_spread([own[key] / plain[key] for own, plain in pairs], 2))
        ends = _spread([run["end_s"] for run in ways["examples"]], 1)
        lines.append(f"| {name} | {' | '.join(cells)} | {ends} |")
    return "\n".join(lines) + "\n"


def _spread(values: Sequence[float], digits: int) -> str:
    """Write the median, and the least and the greatest."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


# ---- one pass, in a process of its own


class _Clock:
    """Times from the end of the first batch."""

    def __init__(self) -> None:
        self._times: list[tuple[float, float, int]] = []

    def seen(self, count: int) -> None:
        self._times.append((time.perf_counter(), time.process_time(), count))

    def result(self, end_s: float = 0.0) -> dict[str, float]:
        pictures = sum(count for *_, count in self._times[1:])
        wall_s, cpu_s = (self._times[-1][i] - self._times[0][i] for i in (0, 1))
        return {"s_a_picture": wall_s / pictures, "cpu_s_a_picture": cpu_s / pictures, "end_s": end_s}

    @property
    def last(self) -> float:
        return self._times[-1][0]


def bare(layers: Sequence[str], images: Path, _place: Path) -> dict[str, float]:
    """Decode all pictures and compute the layers."""
    import tensorflow as tf

    from fvcli.media import list_pictures, read_pixels
    from fvcli.models import ModelChoice, load

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
    """Let fvcli work out the parts of all blocks, without the sheets, which need no network."""
    from fvcli.app.collect_examples import ExamplesOptions, asked_for
    from fvcli.app.plan_spec import plan_of_spec
    from fvcli.models import load
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
    clock = _Clock()
    stream_blocks(Parts(place), streaming, load(planned.plan.model), device, clock.seen, lambda: False)
    return clock.result(time.perf_counter() - clock.last)


PASSES: Mapping[str, Callable[[Sequence[str], Path, Path], dict[str, float]]] = {
    "bare": bare,
    "examples": collected,
}


def _main(way: str, layers: str, images: str, place: str) -> Iterator[str]:
    yield json.dumps(PASSES[way](LAYERS[layers], Path(images), Path(place)))


if __name__ == "__main__":
    for line in _main(*sys.argv[1:]):
        print(line)
