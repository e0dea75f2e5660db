"""In which section of the page each model of the schema stands, and under which heading."""

from __future__ import annotations

from functools import cache
from typing import Any

from fvcli.spec import Spec

SECTIONS = {
    "Top level": ["Spec"],
    "Model": ["Model"],
    "Render": ["Render", "References"],
    "Jobs": ["Job", "Variant", "Diversity"],
    "Objectives": ["*Objective", "Alignment", "VectorChoice"],
    "Parameterizations": [
        "Fourier",
        "Pixel",
        "Laplacian",
        "Cppn",
        "DeepImagePrior",
        "Maco",
        "Generator",
        "Shared",
    ],
    "Transforms": [
        *("Affine", "Pad", "Jitter", "Crop", "Scale", "Rotate", "Crops", "Noise", "RandomBlur"),
        *("Flip", "Background"),
    ],
    "Optimizers": ["Adam", "Lion", "Nadam", "Gradient"],
    "Penalties": [
        *("L1", "L2", "TotalVariation", "Blur", "Boundary", "Alpha", "BlurAlpha"),
        *("BatchNorm", "OtherClasses"),
    ],
    "Regularizers": ["Decay", "GaussianBlur", "ClipNorm", "ClipContribution"],
    "Dreams and films": ["Octaves", "Octave", "Animation"],
    "Output": ["Output", "Grid", "Figure", "Row"],
}
ONE_OF = {
    **{"Objectives": "objective", "Parameterizations": "parameterization", "Transforms": "transform"},
    **{"Optimizers": "optimizer", "Penalties": "penalty", "Regularizers": "regularizer"},
}


@cache
def models() -> dict[str, dict[str, Any]]:
    """Return the schema of every model by its name."""
    schema = Spec.model_json_schema()
    return {"Spec": schema, **schema["$defs"]}


@cache
def sections() -> dict[str, list[str]]:
    """Return the names of the models in each section.

    Raises:
        SystemExit: A model is in none; the message names it.
    """
    found = {
        title: [name for pattern in patterns for name in models() if _matches(name, pattern)]
        for title, patterns in SECTIONS.items()
    }
    left = models().keys() - {name for names in found.values() for name in names}
    if left:
        raise SystemExit(f"scripts/reference_page/sections.py has no section for {', '.join(sorted(left))}")
    return found


def _matches(name: str, pattern: str) -> bool:
    return name.endswith(pattern[1:]) if pattern.startswith("*") else name == pattern


def section_of(name: str) -> str:
    """Return the section in which a model stands."""
    return next(title for title, names in sections().items() if name in names)


def kind_of(name: str) -> str | None:
    """Return the kind that a model is, such as ``neuron``, or None."""
    kind: str | None = models()[name].get("properties", {}).get("kind", {}).get("const")
    return kind


def heading_of(name: str) -> str:
    """Return the heading of a model: ``Objective: `neuron``` or ``Octaves``."""
    kind = kind_of(name)
    return f"{ONE_OF[section_of(name)].capitalize()}: `{kind}`" if kind else name


def link(text: str, heading: str) -> str:
    """Return a link to a heading of the page; its anchor is what GitHub and MkDocs both make of it."""
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " _-")
    return f"[{text}](#{kept.replace(' ', '-')})"
