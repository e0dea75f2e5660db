"""Build the exported network as a torch module whose layers carry the names they have in fvcli."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import conv2d, pad

BATCH_NORM_EPSILON = 1e-3


class TorchNetwork(nn.Module):
    """The network up to the layer it was exported for; takes RGB 0 to 1, [batch, 3, h, w].

    Args:
        folder: With nodes.json, arrays.npz.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._nodes = json.loads((folder / "nodes.json").read_text())
        arrays = np.load(folder / "arrays.npz")
        for node in self._nodes:
            count = sum(key.startswith(f"{node['name']}/") for key in arrays.files)
            weights = [torch.from_numpy(arrays[f"{node['name']}/{i}"].copy()) for i in range(count)]
            self.add_module(node["name"], _layer(node, weights))
        self.requires_grad_(False)  # only the picture is optimised

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tensors = {"input": images * 2.0 - 1.0}
        for node in self._nodes:
            layer = self.get_submodule(node["name"])
            tensors[node["name"]] = layer(*(tensors[name] for name in node["inputs"]))
        return tensors[self._nodes[-1]["name"]]

    @torch.no_grad()
    def activations(self, pixels: np.ndarray) -> np.ndarray:
        """Return what uint8 pictures [n, h, w, 3] give, in Keras's layout."""
        images = torch.from_numpy(pixels / np.float32(255)).permute(0, 3, 1, 2)
        return self(images).permute(0, 2, 3, 1).numpy()


class SameConv(nn.Module):
    """A convolution that pads as TensorFlow's "same" does: at stride 2 more behind than in front."""

    def __init__(self, kernel: torch.Tensor, stride: int, groups: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(kernel.contiguous())
        self._stride, self._groups = stride, groups

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height, width = (self._padding(size) for size in x.shape[2:])
        if any(total % 2 for total in (height, width)):
            x = pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
            height = width = 0
        around = (height // 2, width // 2)
        return conv2d(x, self.weight, stride=self._stride, padding=around, groups=self._groups)

    def _padding(self, size: int) -> int:
        positions = -(-size // self._stride)
        return max((positions - 1) * self._stride + self.weight.shape[-1] - size, 0)


class Add(nn.Module):
    """A residual connection."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x + y


def _layer(node: Mapping[str, Any], weights: list[torch.Tensor]) -> nn.Module:
    kind = node["kind"]
    if kind == "conv":  # [h, w, in, out] -> [out, in, h, w]
        return SameConv(weights[0].permute(3, 2, 0, 1), node["stride"], groups=1)
    if kind == "depthwise_conv":  # [h, w, channels, 1] -> [channels, 1, h, w]
        return SameConv(weights[0].permute(2, 3, 0, 1), node["stride"], groups=node["channels"])
    if kind == "batch_norm":
        return _batch_norm(*weights)
    if kind == "relu6":
        return nn.ReLU6()
    if kind == "add":
        return Add()
    raise ValueError(f"no torch layer for a node of kind {kind}")


def _batch_norm(
    gamma: torch.Tensor, beta: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor
) -> nn.BatchNorm2d:
    layer = nn.BatchNorm2d(len(gamma), eps=BATCH_NORM_EPSILON)
    own = {"weight": gamma, "bias": beta, "running_mean": mean, "running_var": variance}
    layer.load_state_dict(own, strict=False)
    return layer
