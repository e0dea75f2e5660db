"""Find what was meant by a value that a spec cannot have, by trying what people mean by such values.

A candidate is only offered if the schema takes it at that place, so that the line to write is right.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from fvcli.spec.mistakes.problems import KeyPath, value_at
from fvcli.spec.mistakes.validation_messages import problems_of
from fvcli.spec.schema import Spec

NUMBER = re.compile(
    r"^\s*([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\s*(?:px|gb|gib|steps?|pixels?)?\s*$", re.IGNORECASE
)
TIMES = re.compile(r"^\s*(\d+)\s*(?:px)?\s*([x\u00d7*,])\s*(\d+)\s*(?:px)?\s*$", re.IGNORECASE)
RANGE = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s*(?:-|\u2013|\u2014|:|\.\.+|to)\s*(-?\d+(?:\.\d+)?)\s*$")
EVERY = re.compile(r"^\s*every\s*[:=]?\s*(\d+)\s*$", re.IGNORECASE)
COLOURS = (1, 3)
YES, NO = {"yes", "on", "y", "true"}, {"no", "off", "n", "false"}
NOTHING = {"none", "null", "nothing", "no", "off", "false", ""}
# What other tools, and people, call what a spec has by another name.
WORDS: dict[str, tuple[Any, ...]] = {
    "*": ("all",),
    "sgd": ("gradient",),
    "gradient_ascent": ("gradient",),
    "adamw": ("adam",),
    "rmsprop": ("adam",),
    "momentum": ({"kind": "gradient", "momentum": 0.9},),
    "fft": ("fourier",),
    "spatial": ("pixel",),
    "naive": ("pixel",),
    "image": ("pixel",),
    "pixels": ("pixel",),
    "rgb": ("pixel", "RGB"),
    "tv": ("total_variation", ["total_variation"]),
    "logit": ("class_logit",),
    "logits": ("class_logit",),
    "class": ("class_logit",),
    "softmax": ("class_probability",),
    "probability": ("class_probability",),
    "deepdream": ("layer",),
    "neurons": ("neuron",),
    "filter": ("channel",),
    "minus": ("negative",),
    "neg": ("negative",),
    "min": ("negative",),
    "plus": ("positive",),
    "pos": ("positive",),
    "max": ("positive",),
    "fp16": ("float16",),
    "half": ("float16",),
    "bf16": ("bfloat16",),
    "fp32": ("float32",),
    "imagenet": ([0.485, 0.456, 0.406],),
    "random": ({"random": "0-5"},),
    "jitter": ({"kind": "jitter", "px": 8},),
    "nchw": ("channels_first",),
    "nhwc": ("channels_last",),
}


def correction(data: Any, path: KeyPath) -> tuple[Any] | None:
    """Return the first candidate that the schema takes in the place of a value, or None.

    Args:
        data: Of the document.
        path: Where the value stands.
    """
    fitting = (value for value in candidates(value_at(data, path)) if fits_at(data, path, value))
    return next(((value,) for value in fitting), None)


def fits_at(data: Any, path: KeyPath, value: Any) -> bool:
    """Tell whether the schema takes a value at a path of a document."""
    tried = copy.deepcopy(data)
    *above, last = path
    holder = value_at(tried, above)
    if not isinstance(holder, dict | list):
        return False
    holder[last] = value  # type: ignore[index]
    return _fits(tried, path)


def _fits(data: Any, path: KeyPath) -> bool:
    try:
        Spec.model_validate(data)
    except ValidationError as error:
        return not any(one.problem.path[: len(path)] == path for one in problems_of(error, data))
    return True


def candidates(value: Any) -> Iterator[Any]:
    """Yield what may be meant by a value, the likeliest first."""
    yield from _single(value)
    if isinstance(value, list):
        if len(value) == 1:
            yield value[0]
        if len(value) == 3:  # a shape with channels, last or first
            yield from (value[:2] if value[2] in COLOURS else value[1:],)
        each = [next(iter(_single(item)), item) for item in value]
        yield each
    elif value is not None:
        yield [value]
        yield from ([candidate] for candidate in _single(value))


def _single(value: Any) -> Iterator[Any]:
    if isinstance(value, str):
        yield from _of_text(value)
    elif isinstance(value, bool):
        yield from ({"format": "mp4"}, {"count": 4}, {"columns": 8}, {}) if value else ([],)
    elif isinstance(value, int | float):
        yield from _of_number(value)
    elif isinstance(value, dict):
        yield from _of_mapping(value)


def _of_text(text: str) -> Iterator[Any]:
    word = text.strip().casefold()
    number, times, ends = NUMBER.match(text), TIMES.match(text), RANGE.match(text)
    if number:
        yield _number(number[1])
    if times:
        first, last = int(times[1]), int(times[3])
        pair = [first, last] if times[2] == "," else [last, first]  # people write width x height
        yield first if first == last else pair
    if ends:
        yield f"{ends[1]}-{ends[2]}"
        yield [_number(ends[1]), _number(ends[2])]
    if word in YES | NO:
        yield word in YES
    if word in NOTHING:
        yield []
    if every := EVERY.match(text):
        yield {"every": int(every[1])}
    yield from WORDS.get(word, ())
    if word.endswith(".npy"):
        yield {"file": text}
    parts = re.split(r"[\s,;]+", text.strip("[]() "))
    if len(parts) > 1 and all(map(NUMBER.match, parts)):
        yield [_number(part) for part in parts]
    yield from (
        {"format": word},
        {"title": text},
        {"name": text, "recipe": text},
        word if word != text else word.upper(),
    )


def _of_number(value: float) -> Iterator[Any]:
    if not math.isfinite(value):
        return
    if value == int(value):
        yield int(value)
    if value in {0, 1}:
        yield bool(value)
    if value == -1:
        yield "negative"
    yield from ({"count": value}, {"columns": value}, str(value))


def _of_mapping(value: dict[str, Any]) -> Iterator[Any]:
    for name in ("name", "type", "class_name"):
        if name in value and "kind" not in value:
            yield {"kind": value[name], **{key: inside for key, inside in value.items() if key != name}}
    if len(value) == 1:  # {jitter: 8}
        ((kind, option),) = value.items()
        for key in ("px", "weight", "degrees", "factors", "rate", "learning_rate", "std", "percentile"):
            yield {"kind": kind, key: option}


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value == int(value) else value
