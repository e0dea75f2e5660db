r"""InceptionV1 (GoogLeNet) as plain nodes, in the three forms in which its weights are public.

    source --+--> 1x1 ----------------------------+
             +--> 3x3_bottleneck --> 3x3 ---------+--> mixed3a
             +--> 5x5_bottleneck --> 5x5 ---------+
             +--> pool --> pool_reduce -----------+

Architecture: Szegedy et al., "Going Deeper with Convolutions", 2015, table 1. The graph that TensorFlow
published as Inception5h is the one of the Feature Visualization article: its layers have the names used
here, 4a has 204 channels of 3x3 instead of 208, and 5a reduces to 48 before 5x5 instead of 32. All three
forms have these names, so that one spec fits them all.

Padding. TensorFlow's is SAME everywhere. Caffe and PyTorch pad the first convolution by 3, and their maximum
of 3x3 with stride 2 begins with the first position and takes what there is of a last window that reaches past
the end (ceil mode). Here a row and a column of zeros are put behind it instead. At an even size the last
window reaches one past the end, at an odd one none does and nobody looks at the zeros: so that is exact at
every size, because what a ReLU lets through is never below 0. Elsewhere they pad as SAME does, at every size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from fvcli.models.choice import Preprocessing
from fvcli.models.graph import IMAGE, Node, Pair, Window

Widths = tuple[int, int, int, int, int, int]  # 1x1, 3x3 bottleneck, 3x3, 5x5 bottleneck, 5x5, pool reduce
CHANNELS = 3  # of the picture
STEM_WIDTHS = (64, 64, 192)
MODULES: Mapping[str, Widths] = {
    "mixed3a": (64, 96, 128, 16, 32, 32),
    "mixed3b": (128, 128, 192, 32, 96, 64),
    "mixed4a": (192, 96, 208, 16, 48, 64),
    "mixed4b": (160, 112, 224, 24, 64, 64),
    "mixed4c": (128, 128, 256, 24, 64, 64),
    "mixed4d": (112, 144, 288, 32, 64, 64),
    "mixed4e": (256, 160, 320, 32, 128, 128),
    "mixed5a": (256, 160, 320, 32, 128, 128),
    "mixed5b": (384, 192, 384, 48, 128, 128),
}
BRANCHES = ("1x1", "3x3", "5x5", "pool_reduce")
POOL_BEFORE = {"mixed4a": "maxpool4", "mixed5a": "maxpool10"}
LOGITS = "softmax2_pre_activation"
LRN = "lrn"
PAD_ONE_BEHIND = Window(padding=((0, 1), (0, 1)))
PAD_THREE = Window(padding=((3, 3), (3, 3)))


@dataclass(frozen=True)
class Variant:
    """One of the three forms.

    suffixes: Of files with its weights.
    classes: How many outputs it has.
    spare: How many of them may stand for no class.
    normalization: Depth radius, bias, alpha and beta of its local response normalization, as TensorFlow
        counts them; without, each convolution has no bias but a BatchNormalization behind it.
    own_widths: Where it does not follow the paper's.
    five: Side of the windows that are called 5x5.
    last_pool: Side of the windows of the last pooling between modules.
    same: Whether it pads as TensorFlow's SAME does, everywhere.
    """

    name: str
    suffixes: tuple[str, ...]
    preprocessing: Preprocessing
    classes: int = 1000
    spare: int = 0
    normalization: tuple[float, float, float, float] | None = None
    own_widths: Mapping[str, Widths] = field(default_factory=dict)
    five: int = 5
    last_pool: int = 3
    same: bool = False

    @property
    def widths(self) -> Mapping[str, Widths]:
        return {**MODULES, **self.own_widths}


LUCID = Variant(
    "lucid",
    (".pb",),
    Preprocessing((-117.0, 138.0)),
    classes=1008,
    spare=8,
    normalization=(5, 2.0, 1e-4, 0.5),  # by the file's own attributes
    own_widths={"mixed4a": (192, 96, 204, 16, 48, 64), "mixed5a": (256, 160, 320, 48, 128, 128)},
    same=True,
)
CAFFE = Variant(
    "caffe",
    (".caffemodel",),
    Preprocessing((0.0, 255.0), (104.0, 117.0, 123.0), None, "BGR"),
    normalization=(2, 1.0, 1e-4 / 5, 0.75),  # Caffe divides alpha by the five channels
)
# The pretrained network is built with transform_input: it takes a picture with ImageNet's mean and deviation
# and turns it into (x - 0.5) / 0.5 first, so what its convolutions get of a picture is -1 to 1.
TORCHVISION = Variant(
    "torchvision",
    (".pth", ".pt"),
    Preprocessing((-1.0, 1.0)),
    five=3,  # a mistake that the weights were trained with, torchvision's issue 906
    last_pool=2,
)
VARIANTS = (LUCID, CAFFE, TORCHVISION)


def nodes(variant: Variant) -> tuple[Node, ...]:
    """List the layers of the network in the order in which data flows through them."""
    built = _stem(variant)
    for name, widths in variant.widths.items():
        if name in POOL_BEFORE:
            side = variant.last_pool if name == "mixed5a" else 3
            built += _halve(variant, POOL_BEFORE[name], built[-1], side)
        built += _module(variant, name, widths, built[-1])
    built.append(Node("avgpool0", "global_pool", (built[-1].name,), built[-1].channels, None))
    built.append(Node(LOGITS, "dense", ("avgpool0",), variant.classes, None))
    built.append(Node("softmax2", "softmax", (LOGITS,), variant.classes, None))
    return tuple(built)


def branches(variant: Variant) -> dict[str, dict[str, int]]:
    """Return the first channel of each branch of each module."""
    found = {}
    for name, (one, _, three, _, five, _) in variant.widths.items():
        firsts = accumulate((one, three, five), initial=0)
        found[name] = dict(zip(("1x1", "3x3", "5x5", "pool"), firsts, strict=True))
    return found | {f"{name}_pre_relu": firsts for name, firsts in found.items()}


def _stem(variant: Variant) -> list[Node]:
    first, second, third = STEM_WIDTHS
    source = Node(IMAGE, "input", (), CHANNELS)
    padded = [] if variant.same else [_pad("conv2d0_pad", source, PAD_THREE)]
    window = Window((7, 7), (2, 2), padding="same" if variant.same else "valid")
    built = padded + _conv(variant, "conv2d0", [source, *padded][-1], first, window)
    built += _halve(variant, "maxpool0", built[-1])
    built += _lrn(variant, "localresponsenorm0", built[-1])
    built += _conv(variant, "conv2d1", built[-1], second)
    built += _conv(variant, "conv2d2", built[-1], third, _square(3))
    built += _lrn(variant, "localresponsenorm1", built[-1])
    return built + _halve(variant, "maxpool1", built[-1])


def _conv(
    variant: Variant, name: str, source: Node, channels: int, window: Window | None = None
) -> list[Node]:
    before, kernel = f"{name}_pre_relu", window or Window()
    relu = Node(name, "relu", (before,), channels)
    if variant.normalization:
        return [Node(before, "conv", (source.name,), channels, kernel), relu]
    conv = Node(f"{name}_conv", "conv", (source.name,), channels, kernel)
    return [conv, Node(before, "batch_norm", (conv.name,), channels), relu]


def _lrn(variant: Variant, name: str, source: Node) -> list[Node]:
    return [Node(name, LRN, (source.name,), source.channels)] if variant.normalization else []


def _halve(variant: Variant, name: str, source: Node, side: int = 3) -> list[Node]:
    """Pool with stride 2."""
    if variant.same or side == 2:  # ceil mode of 2x2 is SAME, at every size
        return [Node(name, "max_pool", (source.name,), source.channels, _square(side, 2))]
    padded = _pad(f"{name}_pad", source, PAD_ONE_BEHIND)
    window = Window((side, side), (2, 2), padding="valid")
    return [padded, Node(name, "max_pool", (padded.name,), source.channels, window)]


def _pad(name: str, source: Node, window: Window) -> Node:
    return Node(name, "pad", (source.name,), source.channels, window)


def _square(side: int, stride: int = 1) -> Window:
    sides: Pair = (side, side)
    return Window(sides, (stride, stride))


def _module(variant: Variant, name: str, widths: Widths, source: Node) -> list[Node]:
    one, three_before, three, five_before, five, reduced = widths
    pool = Node(f"{name}_pool", "max_pool", (source.name,), source.channels, _square(3))
    narrow_three = _conv(variant, f"{name}_3x3_bottleneck", source, three_before)
    narrow_five = _conv(variant, f"{name}_5x5_bottleneck", source, five_before)
    built = _conv(variant, f"{name}_1x1", source, one)
    built += narrow_three + _conv(variant, f"{name}_3x3", narrow_three[-1], three, _square(3))
    built += narrow_five + _conv(variant, f"{name}_5x5", narrow_five[-1], five, _square(variant.five))
    built += [pool, *_conv(variant, f"{name}_pool_reduce", pool, reduced)]
    return built + _joined(name, one + three + five + reduced)


def _joined(name: str, channels: int) -> list[Node]:
    """Join the branches, as Lucid does before and behind their ReLUs."""
    parts = [f"{name}_{branch}" for branch in BRANCHES]
    before = Node(f"{name}_pre_relu", "concat", tuple(f"{part}_pre_relu" for part in parts), channels)
    return [before, Node(name, "concat", tuple(parts), channels)]
