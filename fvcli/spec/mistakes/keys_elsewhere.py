"""Keys that other tools have, and which key of a spec does the same.

The names are those of the public functions and options of Lucid, Lucent, tf-keras-vis, keras-vis, xplique and
of training scripts. This is the only list of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEPT = "{value}"  # stands in a line for what the user wrote


@dataclass(frozen=True)
class KeyHere:
    """The key of a spec that does what a key of another tool does.

    section: Where it belongs: ``render``, ``jobs``, ``model``, ``output.grid`` or ``objective``.
    key: The key, empty if there is none.
    value: An example of its value; ``KEPT`` in it stands for what was written for the other key.
    example: What ``KEPT`` is where that does not fit.
    instead: What to do where no key does it.
    """

    section: str = ""
    key: str = ""
    value: Any = KEPT
    example: Any = None
    instead: str = ""

    def value_of(self, written: Any) -> Any:
        """Return the value with what was written in the place of ``KEPT``."""
        return _filled(self.value, written)


def _filled(value: Any, written: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inside, written) for key, inside in value.items()}
    if isinstance(value, list):
        return [_filled(inside, written) for inside in value]
    return written if value == KEPT else value


def _render(key: str, example: Any, value: Any = KEPT) -> KeyHere:
    return KeyHere("render", key, value, example)


def _job(key: str, example: Any, value: Any = KEPT) -> KeyHere:
    return KeyHere("jobs", key, value, example)


def _model(key: str, example: Any) -> KeyHere:
    return KeyHere("model", key, KEPT, example)


def _instead(text: str) -> KeyHere:
    return KeyHere(instead=text)


STEPS = _render("steps", 256)
RATE = _render("optimizer", 0.05, {"kind": "adam", "learning_rate": KEPT})
SIZE = _render("size_px", 224)
SAVED = _render("save_at", [1, 32, 128])
IMAGE = _render("parameterization", "fourier")
SEES = _render("transforms", [{"kind": "jitter", "px": 8}])
JITTER = _render("transforms", 8, [{"kind": "jitter", "px": KEPT}])
VARIATION = _render("penalties", 0.001, [{"kind": "total_variation", "weight": KEPT}])
FILM = _render("animation", {"format": "gif"}, {"format": "gif"})
CHANNELS = _job("channels", [3])
CLASSES = _job("classes", ["tabby"])
LAYER = _job("layer", "block4_expand_bn")
OBJECTIVE = _job("objective", "channel")
PICTURES = _job("pictures", "photo.jpg")
NAMES = _model("labels", "class_names.txt")
PATH = _model("path", "my_model.keras")
FOLDER = _instead("the folder is given to the command: fvcli render spec.yaml -o run")
DEVICE = _instead(
    "fvcli takes the first GPU that it finds; the environment variable CUDA_VISIBLE_DEVICES hides GPUs"
)
WORKERS = _instead("the number is given to the command: fvcli render spec.yaml -o run --workers 4")
QUIET = _instead(
    "leave it out: pictures are written to the folder of the run, progress is told on the terminal"
)
SIGN = _job("sign", "negative", "negative")
KEYS_ELSEWHERE: Mapping[str, KeyHere] = {
    **dict.fromkeys(("iterations", "iteration", "iters", "n_iter", "num_iter", "max_iter", "niter"), STEPS),
    **dict.fromkeys(("n_iterations", "num_iterations", "nb_iterations", "n_steps", "num_steps"), STEPS),
    **dict.fromkeys(("nb_steps", "max_steps", "epochs", "epoch", "num_epochs"), STEPS),
    **dict.fromkeys(("learning_rate", "lr", "step_size", "alpha_lr"), RATE),
    **dict.fromkeys(
        ("image_size", "img_size", "input_size", "image_shape", "input_shape", "img_shape"), SIZE
    ),
    **dict.fromkeys(("width", "height", "w", "h", "size", "side", "resolution", "custom_shape"), SIZE),
    **dict.fromkeys(("fixed_image_size", "output_size", "shape", "px"), SIZE),
    **dict.fromkeys(("thresholds", "threshold", "save_every", "save_steps", "checkpoints"), SAVED),
    **dict.fromkeys(("param_f", "param", "parametrization", "parameterisation", "image_param"), IMAGE),
    **dict.fromkeys(
        ("fft", "decorrelate", "image_parameterization"), _render("parameterization", "fourier", "fourier")
    ),
    **dict.fromkeys(("transform", "transforms_f", "transformations", "augmentations", "augmentation"), SEES),
    **dict.fromkeys(("input_modifiers", "preprocess_fn", "robustness"), SEES),
    **dict.fromkeys(("jitter", "jitter_px"), JITTER),
    **dict.fromkeys(
        ("rotate", "rotation", "angles"),
        _render("transforms", [-5, 5], [{"kind": "rotate", "degrees": KEPT}]),
    ),
    **dict.fromkeys(("tv", "tv_weight", "total_variation", "tv_lambda", "act_max_weight"), VARIATION),
    **dict.fromkeys(
        ("l2", "l2_weight", "lp_norm_weight", "weight_decay"),
        _render("penalties", 0.01, [{"kind": "l2", "weight": KEPT}]),
    ),
    **dict.fromkeys(("l1", "l1_weight"), _render("penalties", 0.01, [{"kind": "l1", "weight": KEPT}])),
    **dict.fromkeys(
        ("regularization", "regularizer", "penalty"), _render("penalties", [{"kind": "l2", "weight": 0.01}])
    ),
    **dict.fromkeys(("batch", "batch_n", "batchsize", "batch_count"), _render("batch_size", 4)),
    **dict.fromkeys(("random_seed", "random_state", "rng", "manual_seed"), _render("seed", 0)),
    **dict.fromkeys(("dtype", "amp", "fp16", "half", "mixed_precision"), _render("precision", "float16")),
    **dict.fromkeys(("max_memory", "memory", "gpu_memory"), _render("memory_gb", 4)),
    **dict.fromkeys(
        ("octave", "num_octaves", "n_octaves", "octave_n"), _render("octaves", 4, {"count": KEPT})
    ),
    "octave_scale": _render("octaves", 1.4, {"scale": KEPT}),
    **dict.fromkeys(("video", "film", "movie", "gif", "save_video", "callbacks"), FILM),
    "fps": _render("animation", 15, {"fps": KEPT}),
    **dict.fromkeys(
        ("relu_gradient_override", "redirected_relu", "use_redirected_activation"),
        _render("redirect_steps", 16),
    ),
    **dict.fromkeys(("channel", "channel_n", "n_channel", "filter", "filters", "filter_index"), CHANNELS),
    **dict.fromkeys(("filter_indices", "filter_idx", "unit", "units", "unit_index", "feature"), CHANNELS),
    **dict.fromkeys(("features", "feature_map", "feature_maps", "neurons", "neuron_index"), CHANNELS),
    "neuron": _job("objective", "neuron", "neuron"),
    **dict.fromkeys(("class", "class_name", "class_id", "class_ids", "class_index", "class_idx"), CLASSES),
    **dict.fromkeys(("category", "categories", "target", "target_class", "label", "output_index"), CLASSES),
    **dict.fromkeys(("layer_name", "layer_names", "layers", "layer_idx", "layer_index", "module"), LAYER),
    **dict.fromkeys(("module_name", "block", "penultimate_layer", "penultimate_layer_idx"), LAYER),
    **dict.fromkeys(("objective_f", "objective_function", "obj", "loss", "loss_fn", "losses"), OBJECTIVE),
    **dict.fromkeys(("score", "scores", "cost", "kind"), OBJECTIVE),
    **dict.fromkeys(("image", "images", "img", "picture", "photo", "photos", "input_image"), PICTURES),
    **dict.fromkeys(("seed_input", "seed_img", "seed_image", "init_image", "content_image"), PICTURES),
    **dict.fromkeys(("style_image", "reference", "source", "sources"), PICTURES),
    **dict.fromkeys(("vector", "direction", "directions", "vec", "vecs"), _job("vectors", [{"random": 0}])),
    **dict.fromkeys(("minimize", "minimise", "grad_sign", "gradient_ascent", "negate"), SIGN),
    **dict.fromkeys(
        ("n_images", "num_images", "diverse", "n_samples"), _job("diversity", 4, {"count": KEPT})
    ),
    **dict.fromkeys(("cossim_pow", "cossim"), KeyHere("objective", "cossim_power", KEPT, 1)),
    **dict.fromkeys(("class_names", "classnames", "label_names", "labels_file", "label_file"), NAMES),
    **dict.fromkeys(("label_path", "labels_path"), NAMES),
    **dict.fromkeys(("model_path", "model_file", "file", "filename", "checkpoint", "ckpt", "network"), PATH),
    **dict.fromkeys(
        ("model_name", "arch", "architecture", "backbone", "net"), _model("name", "efficientnet-lite0")
    ),
    **dict.fromkeys(("pretrained", "weights_path", "weights_file"), _model("weights", "imagenet")),
    **dict.fromkeys(
        ("preprocess", "preprocessing", "preprocess_input", "normalize", "normalise"),
        _model("mean", [0.485, 0.456, 0.406]),
    ),
    **dict.fromkeys(
        ("image_value_range", "input_range", "range", "values_range"), _model("value_range", [0, 1])
    ),
    **dict.fromkeys(("bgr", "color_order", "colour_order", "color_mode"), _model("channel_order", "BGR")),
    **dict.fromkeys(("output_layer", "logits_layer"), _model("logits", "logits")),
    **dict.fromkeys(("n_columns", "ncols", "cols"), KeyHere("output.grid", "columns", KEPT, 8)),
    **dict.fromkeys(("output_dir", "out_dir", "outdir", "output_path", "output_folder", "out"), FOLDER),
    **dict.fromkeys(("save_dir", "save_path", "save_to", "result_dir", "results_dir", "log_dir"), FOLDER),
    **dict.fromkeys(("device", "devices", "gpu", "gpus", "gpu_id", "cuda", "use_gpu", "cpu"), DEVICE),
    **dict.fromkeys(("num_workers", "n_workers", "workers", "n_jobs", "num_threads", "processes"), WORKERS),
    **dict.fromkeys(("show_image", "show_inline", "verbose", "print_objectives", "progress"), QUIET),
}
