"""What layers of InceptionV1 and their weights are called elsewhere: by the paper, Lucid, Caffe, torchvision.

    here                                paper, Caffe                                 torchvision
    mixed3a                             inception (3a), inception_3a/output          inception3a
    mixed3a_1x1                         inception_3a/1x1                             inception3a.branch1
    mixed3a_3x3_bottleneck, _3x3        inception_3a/3x3_reduce, inception_3a/3x3    inception3a.branch2.0, .1
    mixed3a_5x5_bottleneck, _5x5        inception_3a/5x5_reduce, inception_3a/5x5    inception3a.branch3.0, .1
    mixed3a_pool, _pool_reduce          inception_3a/pool, inception_3a/pool_proj    inception3a.branch4.0, .1

Caffe's ReLUs write over what they read, so its names stand for what is behind them, as torchvision's blocks
do. Torchvision's names of poolings are left out: two of the four are Lucid's names for other ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fvcli.models.graph import Node
from fvcli.models.zoo.arrays import parts_of
from fvcli.models.zoo.inception_nodes import CAFFE, LOGITS, LUCID, MODULES, Variant

PRE_RELU, CONV = "_pre_relu", "_conv"
CAFFE_STEM = {"conv2d0": "conv1/7x7_s2", "conv2d1": "conv2/3x3_reduce", "conv2d2": "conv2/3x3"}
CAFFE_POOLS = {
    "maxpool0": "pool1/3x3_s2",
    "localresponsenorm0": "pool1/norm1",
    "localresponsenorm1": "conv2/norm2",
    "maxpool1": "pool2/3x3_s2",
    "maxpool4": "pool3/3x3_s2",
    "maxpool10": "pool4/3x3_s2",
    "avgpool0": "pool5/7x7_s1",
    "softmax2": "prob",
}
CAFFE_PARTS = {
    "1x1": "1x1",
    "3x3_bottleneck": "3x3_reduce",
    "3x3": "3x3",
    "5x5_bottleneck": "5x5_reduce",
    "5x5": "5x5",
    "pool_reduce": "pool_proj",
}
TORCH_STEM = {"conv2d0": "conv1", "conv2d1": "conv2", "conv2d2": "conv3"}
TORCH_PARTS = {
    "1x1": "branch1",
    "3x3_bottleneck": "branch2.0",
    "3x3": "branch2.1",
    "5x5_bottleneck": "branch3.0",
    "5x5": "branch3.1",
    "pool_reduce": "branch4.1",
}
WHOLE_BRANCHES = {"branch2": "3x3", "branch3": "5x5", "branch4": "pool_reduce"}
LUCID_PARTS = {"weight": "w", "bias": "b"}


def aliases(layers: Sequence[Node]) -> dict[str, str]:
    """Return the other names that layers go by, those of the paper first."""
    found = {alias: name for module in MODULES for alias, name in _of_module(module).items()}
    found |= {name: ours for ours, name in (CAFFE_STEM | CAFFE_POOLS).items()}
    found |= {name: ours for ours, name in TORCH_STEM.items()}
    found |= {"loss3/classifier": LOGITS, "fc": LOGITS, "avgpool": "avgpool0"}
    found |= {f"{conv}{PRE_RELU}/conv": f"{conv}{PRE_RELU}" for conv in _convolutions()}
    found[f"{LOGITS}/matmul"] = LOGITS
    names = {node.name for node in layers}
    return {alias: name for alias, name in found.items() if name in names}


def _of_module(module: str) -> dict[str, str]:
    block = module.removeprefix("mixed")
    paper, torch = f"inception_{block}", f"inception{block}"
    found = {f"inception ({block})": module, paper: module, f"{paper}/output": module, torch: module}
    found |= {f"{paper}/{name}": f"{module}_{part}" for part, name in CAFFE_PARTS.items()}
    found |= {f"{torch}.{name}": f"{module}_{part}" for part, name in TORCH_PARTS.items()}
    found |= {f"{torch}.{name}": f"{module}_{part}" for name, part in WHOLE_BRANCHES.items()}
    return found | {f"{paper}/pool": f"{module}_pool", f"{torch}.branch4.0": f"{module}_pool"}


def _convolutions() -> list[str]:
    return [*CAFFE_STEM, *(f"{module}_{part}" for module in MODULES for part in CAFFE_PARTS)]


def tensor_names(variant: Variant, node: Node) -> list[str]:
    """Return what the weights file of a variant calls the arrays of a layer."""
    owner = node.name.removesuffix(CONV).removesuffix(PRE_RELU)
    if variant == LUCID:
        owner = "softmax2" if node.name == LOGITS else owner
        return [f"{owner}_{LUCID_PARTS[what]}" for what in parts_of(node)]
    names = _of_caffe(owner) if variant == CAFFE else _of_torchvision(owner, node.kind)
    return [f"{names}.{what}" for what in parts_of(node)]


def _of_caffe(owner: str) -> str:
    if owner == LOGITS:
        return "loss3/classifier"
    return CAFFE_STEM.get(owner) or _of_part(owner, "inception_{block}/{part}", CAFFE_PARTS)


def _of_torchvision(owner: str, kind: str) -> str:
    if owner == LOGITS:
        return "fc"
    block = TORCH_STEM.get(owner) or _of_part(owner, "inception{block}.{part}", TORCH_PARTS)
    return f"{block}.bn" if kind == "batch_norm" else f"{block}.conv"


def _of_part(owner: str, form: str, parts: Mapping[str, str]) -> str:
    module, _, part = owner.partition("_")
    return form.format(block=module.removeprefix("mixed"), part=parts[part])
