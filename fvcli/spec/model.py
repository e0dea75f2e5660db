"""The network that a spec names, and how pictures are prepared for it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from fvcli.spec.base import (
    Float,
    OneOrMore,
    OrName,
    Positive,
    Side,
    Strictly,
    Text,
    WrongTogetherError,
    checked_size,
    left_out,
    written_as,
)

MAX_CHANNELS = 4096
SHA256, SHA256_IN_WORDS = r"^[0-9a-fA-F]{64}$", "64 hexadecimal digits"
FACTORY, FACTORY_IN_WORDS = r"^[\w.]+:\w+$", "module:function, which --allow-code lets run"
# Suffixes by which a plain text is a path: of models, and of what is taken for one.
MODEL_FILES = (
    *(".keras", ".h5", ".hdf5", ".hdf", ".json", ".pb", ".model", ".pt", ".pth", ".ckpt", ".onnx", ".tflite"),
    *(".safetensors", ".mlmodel", ".mlpackage", ".caffemodel", ".prototxt", ".zip", ".npz", ".pkl", ".bin"),
    *(".yaml", ".yml", ".png", ".jpg", ".jpeg"),
)


class OrModel(OrName):
    """Let plain text stand for a model: a path if it looks like one, else a name."""

    def key_of(self, text: str) -> str:
        return model_key(text)


def model_key(text: str) -> str:
    """Say whether plain text that stands for a model is its path or its name."""
    return "path" if "/" in text or text.lower().endswith(MODEL_FILES) else "name"


Numbers = Annotated[tuple[Float, ...], Field(min_length=1, max_length=MAX_CHANNELS), OneOrMore()]


ONE_OF_THREE = "none: one of name, path and factory is needed"  # to say which network


class Model(Strictly):
    """The network: a known name, a file, or a Python function. Preprocessing is part of it.

    A plain text is a name, or a path if it looks like one. Preprocessing is applied in this order:
    `channel_order`, `value_range`, minus `mean`, divided by `std`.

    Example: model: {path: my.keras, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
    """

    name: Text | None = left_out(
        ONE_OF_THREE,
        "Name of a network that fvcli knows, as `fvcli models` lists it. Example: efficientnet-lite0.",
    )
    path: Annotated[Text, Field(min_length=1)] | None = left_out(
        ONE_OF_THREE,
        "Path of a .keras, .h5, .json or .pb file, or of the folder of a SavedModel. Example: my.keras.",
    )
    factory: Annotated[Text, written_as(FACTORY, FACTORY_IN_WORDS)] | None = left_out(
        ONE_OF_THREE,
        "A Python function, `module:function`, that returns a Keras model. It runs only with --allow-code. "
        "Example: my_module:build.",
    )
    weights: Annotated[Text, Field(min_length=1)] | None = left_out(
        "`imagenet` for a known network, else those of the file or function",
        "`imagenet`, `random`, or the path of a file with weights. Example: my.weights.h5.",
    )
    sha256: Annotated[Text, written_as(SHA256, SHA256_IN_WORDS)] | None = left_out(
        "not checked",
        "SHA-256 that the model's file must have, 64 hexadecimal digits. Another file is refused.",
    )
    size_px: Side | tuple[Side, Side] | None = left_out(
        "the size of the network's input, 224 if it takes any",
        "Input size in pixels of a network that takes any: one side, or `[height, width]`. Example: 32.",
    )
    input: Text | None = left_out(
        "the only input that can take a picture",
        "Name of the input that takes the picture, if the network has several; or of a layer, of which the "
        "picture takes the output's place. Example: encoder.",
    )
    signature: Text | None = left_out(
        "`serving_default`, or the only one",
        "Which of a SavedModel's signatures, or functions, the network is. Example: features.",
    )
    fill: dict[str, Float] | None = left_out(
        "zeros", "Constant values for the network's other inputs. Example: {age: 0.5}."
    )
    logits: Text | None = left_out(
        "the network's first output, before its softmax",
        "Name of the layer with the class scores, which objectives of classes read.",
    )
    labels: Text | None = left_out(
        "ImageNet's names if there are 1,000 classes, else numbers",
        "Names of the classes: `imagenet`, or the path of a text file with one name per line.",
    )
    value_range: tuple[Float, Float] | None = left_out(
        "known or guessed; [0, 1] if mean or std is set",
        "What black and white become, before `mean` is subtracted. Example: [-1, 1] or [0, 255].",
    )
    mean: Numbers | None = left_out(
        "known or guessed; 0 if value_range or std is set",
        "What is subtracted after value_range: one number, or one per channel in the network's order. "
        "Example: [0.485, 0.456, 0.406].",
    )
    std: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=MAX_CHANNELS), OneOrMore()] | None = (
        left_out(
            "known or guessed; 1 if value_range or mean is set",
            "What is divided by last: one number, or one per channel in the network's order. "
            "Example: [0.229, 0.224, 0.225].",
        )
    )
    channel_order: Literal["RGB", "BGR"] | None = left_out(
        "RGB, or what a known network takes",
        "Order of the colours that the network expects. Set BGR for networks from Caffe: fvcli cannot see "
        "it.",
    )
    data_format: Literal["channels_first", "channels_last"] | None = left_out(
        "what the layers show",
        "Whether the network's input is [channels, h, w] or [h, w, channels]. Set it if fvcli asks for it.",
    )

    @field_validator("size_px", mode="before")
    @classmethod
    def _sides(cls, value: Any) -> Any:
        return checked_size(value)

    @field_validator("value_range", mode="after")
    @classmethod
    def _ordered(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and value[0] >= value[1]:
            raise ValueError("write the smaller number first")
        return value

    @model_validator(mode="after")
    def _one_of_three(self) -> Model:
        keys = ("name", "path", "factory")
        given = [key for key in keys if getattr(self, key) is not None]
        if len(given) != 1:
            found = " and ".join(given) if given else "none"
            message = f"a model takes one of name, path and factory, and here is {found}"
            raise WrongTogetherError(message, *keys)
        return self
