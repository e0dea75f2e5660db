"""Look through the description of a Keras model for what is not Keras's own, before Keras builds it.

The description is JSON: objects of the form {"module", "class_name", "config", "registered_name"}, nested.
Keras turns each into what it names, and some of what can be named runs code or reads files: a Lambda layer
carries marshalled Python, a function can be any that Keras exports, a vocabulary can be a path. Only names
that describe a network pass. The format of HDF5 files gives no module, which then counts as Keras's; whether
Keras knows the class is found out when it loads it.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from fvcli.errors import FvcliError
from fvcli.models.files.keras_2.errors import KerasTwoError
from fvcli.models.files.keras_2.layer_settings import OUR_CLASSES, OUR_FUNCTIONS, OURS
from fvcli.models.files.keras_2.rewrite import as_keras_3, is_keras_2
from fvcli.models.files.keras_hdf5 import COPY_AGAIN

MAX_CONFIG_BYTES = 64 * 2**20
MAX_DEPTH = 100  # Keras calls itself a few times per level, and Python allows about 1,000 calls
MAX_SHOWN = 60  # characters of a name that a file gives

USE_FACTORY = (
    "such a model can be built by a Python function instead: write `model: {factory: module:function}` in a "
    "spec, and add --allow-code"
)

SAVE_AGAIN = (
    "save it again with Keras 2: in Python 3.7, pip install tensorflow==1.15.5 keras==2.2.4 'h5py<3' "
    "'protobuf<3.21', and then keras.models.load_model(FILE).save('again.h5')"
)
CODE_CLASSES = {"Lambda", "__lambda__", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
FILE_CLASSES = {"TFSMLayer"}
FILE_KEYS = {"vocabulary", "vocabulary_file", "filepath", "file_path", "filename"}
TENSORFLOW_OBJECTS = {"__typespec__", "TypeSpec", "CompositeTensor"}
VALUES = {
    *("__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__slice__", "__ellipsis__", "__tuple__"),
    "TensorShape",
}
CLASS_NAME = re.compile(r"[A-Z]\w*", re.ASCII)  # lower case would be a function
FUNCTION_NAME = re.compile(r"[a-z]\w*", re.ASCII)
CLASS_MODULES = re.compile(
    r"""keras(
    | \.(src\.)?(layers|models|ops|activations|initializers|regularizers|constraints
                |losses|metrics|optimizers|dtype_policies|quantizers|random)(\.\w+)*
    | \.src\.(applications|trainers)(\.\w+)*
    | \._legacy\.layers
    )""",
    re.VERBOSE | re.ASCII,
)
VERSION = "keras_version"
OF_KERAS_2 = "batch_input_shape"  # what Keras 3 calls otherwise
FUNCTION_MODULES = {
    *("keras.activations", "keras.losses", "keras.metrics", "keras.ops", "keras.ops.image"),
    *("keras.ops.linalg", "keras.ops.nn", "keras.ops.numpy"),
}
# Functions that Keras finds by their bare name, which it writes with the module "builtins".
KERAS_FUNCTIONS = re.compile(
    r"""
      celu | elu | exponential | gelu | glu | hard_shrink | hard_sigmoid | hard_silu | hard_swish | hard_tanh
    | leaky_relu | linear | log_sigmoid | log_softmax | mish | relu | relu6 | selu | sigmoid | silu
    | soft_shrink | softmax | softplus | softsign | sparse_plus | sparse_sigmoid | sparsemax | squareplus
    | swish | tanh | tanh_shrink | threshold

    | binary_accuracy | binary_crossentropy | binary_focal_crossentropy | categorical_accuracy
    | categorical_crossentropy | categorical_focal_crossentropy | categorical_generalized_cross_entropy
    | categorical_hinge | circle | concordance_correlation | cosine_similarity | ctc | dice | hinge | huber
    | kl_divergence | log_cosh | mean_absolute_error | mean_absolute_percentage_error | mean_squared_error
    | mean_squared_logarithmic_error | pearson_correlation | poisson | sparse_categorical_accuracy
    | sparse_categorical_crossentropy | sparse_top_k_categorical_accuracy | squared_hinge
    | top_k_categorical_accuracy | tversky
    """,
    re.VERBOSE,
)


def parse_config(text: str | bytes, what: str, version: str | None = None) -> dict[str, Any]:
    """Return the object that a JSON text is, looked through and without its part for training.

    What Keras 2 wrote is rewritten for Keras 3, and has its version under the key ``keras_version``.

    Args:
        text: The JSON.
        what: Where it is from, for messages.
        version: Of the Keras that wrote it, where the file says it beside the text.

    Raises:
        FvcliError: It is no JSON object, or names something that is not Keras's.
    """
    if len(text) > MAX_CONFIG_BYTES:
        raise FvcliError(
            f"{what}: the description of the model is {len(text) // 2**20} MB of JSON", COPY_AGAIN
        )
    try:
        config = json.loads(text)
    except RecursionError as error:
        raise _too_deep(what) from error
    except ValueError as error:
        raise FvcliError(
            f"{what}: the description of the model is no JSON ({_line(error)})", COPY_AGAIN
        ) from error
    kinds = (dict, list)  # Sequential models were lists of layers before Keras 2.2.3
    if not isinstance(config, dict) or not isinstance(config.get("config"), kinds):
        raise FvcliError(
            f"{what}: the JSON does not describe a Keras model", "it is what model.to_json() gives"
        )
    config.pop("compile_config", None)  # never read: losses and metrics of one's own do no harm
    version = version or config.pop(VERSION, None)
    older = is_keras_2(str(version)) if version else OF_KERAS_2 in json.dumps(config)
    if older:
        version = str(version or "2")
        config = _rewritten(config, version, what)
    _look_through(config, None, 0, what)
    return {**config, VERSION: version} if older else config


def _rewritten(config: dict[str, Any], version: str, what: str) -> dict[str, Any]:
    if version.startswith("1."):
        raise FvcliError(f"{what}: it was written by Keras {shown(version)}, which is not read", SAVE_AGAIN)
    try:
        return as_keras_3(config, version)
    except RecursionError as error:
        raise _too_deep(what) from error
    except KerasTwoError as error:
        raise FvcliError(f"{what}: layer {shown(error.layer)} {error.sentence}", USE_FACTORY) from error
    except Exception as error:  # whatever a broken description raises, the file is what is wrong
        reason = f"{type(error).__name__}: {shown(str(error))}"
        raise FvcliError(
            f"{what}: the description of the model, by Keras {shown(version)}, is damaged ({reason})",
            COPY_AGAIN,
        ) from error


def _line(error: ValueError) -> str:
    return str(error).splitlines()[0]


def _too_deep(what: str) -> FvcliError:
    return FvcliError(f"{what}: the description of the model is nested too deeply", COPY_AGAIN)


def _look_through(value: Any, layer: str | None, depth: int, what: str) -> None:
    """Check every object within a value; `layer` is the name of the layer that it belongs to."""
    if depth > MAX_DEPTH:
        raise _too_deep(what)
    if isinstance(value, dict):
        if "class_name" in value:
            own = _own_name(value)
            _check_object(value, _whose(layer, own, value), what)
            layer = own or layer
        for key, item in value.items():
            if key in FILE_KEYS and isinstance(item, str):
                _refuse_file(f"{_called(layer)} reads a file, {shown(item)}", what)
            _look_through(item, layer, depth + 1, what)
    elif isinstance(value, list):
        for item in value:
            _look_through(item, layer, depth + 1, what)


def _own_name(value: dict[str, Any]) -> str | None:
    """Return the name of a layer or model; other objects with a name have no place of their own."""
    config = value.get("config")
    name = value.get("name") or (config.get("name") if isinstance(config, dict) else None)
    is_policy = str(value["class_name"]).endswith("DTypePolicy")
    return name if isinstance(name, str) and not is_policy else None


def _called(layer: str | None) -> str:
    return f"layer {shown(layer)}" if layer else "the model"


def _whose(layer: str | None, own: str | None, value: dict[str, Any]) -> str:
    """Begin a sentence about an object: what it is of, or what it is used by."""
    kind = "function" if value["class_name"] == "function" else "class"
    return f"{_called(own)} is of the {kind}" if own else f"{_called(layer)} uses the {kind}"


def _check_object(value: dict[str, Any], whose: str, what: str) -> None:
    name = value["class_name"]
    if not isinstance(name, str):
        raise FvcliError(f"{what}: {whose} {shown(name)}, which is no name", COPY_AGAIN)
    if name in CODE_CLASSES:
        _refuse(f"{whose} {name}, which carries Python code, and code from a file is never run", what)
    if name in FILE_CLASSES:
        _refuse_file(f"{whose} {name}, which reads a TensorFlow program from files", what)
    if name in TENSORFLOW_OBJECTS:
        _refuse(f"{whose} {name}, an object of TensorFlow's", what)
    if name == "function":
        _check_function(value, whose, what)
    elif name not in VALUES:
        _check_class(value, name, whose, what)


def _check_class(value: dict[str, Any], name: str, whose: str, what: str) -> None:
    module = value.get("module", "keras.layers")
    full_name = shown(f"{module}.{name}" if module else name)
    if module == OURS and name in OUR_CLASSES:
        return
    if _is_registered(value) or not isinstance(module, str) or module.split(".")[0] != "keras":
        _refuse(f"{whose} {full_name}, which is not part of Keras", what)
    if not CLASS_NAME.fullmatch(name) or not CLASS_MODULES.fullmatch(module):
        _refuse(f"{whose} {full_name}, which is no part of a network", what)


def _check_function(value: dict[str, Any], whose: str, what: str) -> None:
    module, name = value.get("module"), value.get("config")
    if module == OURS and name in OUR_FUNCTIONS:
        return
    if _is_registered(value) or not isinstance(name, str):
        _refuse(f"{whose} {shown(name)}, which is not part of Keras", what)
    if module == "builtins" and not KERAS_FUNCTIONS.fullmatch(name):
        _refuse(f"{whose} {shown(name)}, which is not part of Keras", what)
    if module == "builtins":
        return
    full_name = shown(f"{module}.{name}")
    if not isinstance(module, str) or module.split(".")[0] != "keras":
        _refuse(f"{whose} {full_name}, which is not part of Keras", what)
    if module not in FUNCTION_MODULES or not FUNCTION_NAME.fullmatch(name):
        _refuse(f"{whose} {full_name}, which is no part of a network", what)


def _is_registered(value: dict[str, Any]) -> bool:
    """Tell whether an object is of a package's own, which Keras writes as package>Name."""
    return any(
        isinstance(name := value.get(key), str) and ">" in name for key in ("class_name", "registered_name")
    )


def _refuse(sentence: str, what: str) -> NoReturn:
    raise FvcliError(f"{what}: {sentence}", USE_FACTORY)


def _refuse_file(sentence: str, what: str) -> NoReturn:
    raise FvcliError(f"{what}: {sentence}", "a model must bring all that it needs; leave that layer out")


def shown(name: object) -> str:
    """Return a name from a file as it may be printed: quoted, on one line, cut short."""
    text = name if isinstance(name, str) else repr(name)
    return ascii(text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}...")
