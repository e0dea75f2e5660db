"""What is said of keys of other tools, of keys in the wrong place, and of values in another notation."""

from __future__ import annotations

from typing import Any

import pytest

from fvcli.spec import SpecError
from fvcli.spec.mistakes.advice import SECTIONS, fits, section_of, value_for
from fvcli.spec.mistakes.keys_elsewhere import KEPT, KEYS_ELSEWHERE
from fvcli.spec.objectives import DirectionObjective
from fvcli.spec.yaml_text import inline, parse_yaml
from tests.helpers.specs import spec_of_text


def said(text: str) -> str:
    """Return the only mistake of a spec, without its place."""
    with pytest.raises(SpecError) as caught:
        spec_of_text(text)
    (line,) = caught.value.lines
    return line.partition(": ")[2]


def of_render(line: str) -> str:
    return said(f"model: m\nrender: {{{line}}}\njobs: [{{name: a, layer: x}}]\n")


def of_job(line: str) -> str:
    return said(f"model: m\njobs: [{{name: a, layer: x, {line}}}]\n")


# ---- keys of other tools


@pytest.mark.parametrize("name", KEYS_ELSEWHERE)
def test_keys_elsewhere_lead_to_keys_that_there_are(name: str) -> None:
    known = KEYS_ELSEWHERE[name]
    assert name == name.casefold()
    if not known.key:
        assert known.instead
        return
    models = {name: model for name, (model, _) in SECTIONS.items()} | {"objective": DirectionObjective}
    assert known.key in models[known.section].model_fields
    assert name not in models[known.section].model_fields  # or the advice would never be given
    assert fits(known, known.value_of(known.example))


@pytest.mark.parametrize("name", [name for name, known in KEYS_ELSEWHERE.items() if known.key])
def test_what_is_offered_for_a_key_elsewhere_is_a_line_of_yaml(name: str) -> None:
    known = KEYS_ELSEWHERE[name]
    value = value_for(known, {"no such": "value"})
    assert KEPT not in inline(value)
    assert parse_yaml(f"{known.key}: {inline(value)}").data == {known.key: value}


@pytest.mark.parametrize(
    "key",
    [
        *(
            "iterations",
            "n_steps",
            "num_steps",
            "epochs",
            "thresholds",
            "learning_rate",
            "lr",
            "device",
            "gpu",
        ),
        *("class_names", "class_name", "image_size", "width", "height", "neuron", "channel", "filter"),
        *("filters", "units", "output_dir", "param_f", "transform", "objective_f", "batch", "num_workers"),
        *("cossim_pow", "filter_indices", "seed_input", "tv_weight", "input_modifiers", "nb_steps", "fft"),
    ],
)
@pytest.mark.parametrize(
    "place", [of_render, of_job, lambda line: said(f"{{model: m, jobs: [{{name: a}}], {line}}}")]
)
def test_keys_of_other_tools_are_known_at_every_level(place: Any, key: str) -> None:
    message = place(f"{key}: 3")
    assert "unknown key; " in message
    assert "did you mean" not in message
    assert "the keys here are" not in message


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (lambda: of_render("iters: 9"), "render.iters: unknown key; fvcli calls it steps: write steps: 9"),
        (lambda: of_job("lr: 0.1"), "jobs[0].lr: unknown key; fvcli calls it optimizer: write optimizer: "
                                    "{kind: adam, learning_rate: 0.1}"),
        (lambda: of_render("optimizer: {kind: adam, lr: 0.1}"),
         "render.optimizer.lr: unknown key; fvcli calls it learning_rate: write learning_rate: 0.1"),
        (lambda: of_render("class_name: cat"), "render.class_name: unknown key; fvcli calls it classes: "
                                               "write classes: cat in a job"),
        (lambda: of_render("classes: [1]"),
         "render.classes: unknown key here; it belongs in a job: classes: [1]"),
        (lambda: of_job("model: x"), "jobs[0].model: unknown key here; it belongs at the top of the spec"),
        (lambda: of_job("out: x"),
         "jobs[0].out: unknown key; the folder is given to the command: fvcli render spec.yaml -o run"),
        (lambda: said("{model: {name: m, class_names: [a]}, jobs: [{name: a}]}"),
         "model.class_names: unknown key; fvcli calls it labels: write labels: class_names.txt"),
        (lambda: said("{model: m, jobs: [{name: a}], figure: {}}"),
         "figure: unknown key here; it belongs below output: figure: {}"),
        (lambda: of_job("variants: [{name: b, iterations: 5}]"),
         "jobs[0].variants[0].iterations: unknown key; fvcli calls it steps: write steps: 5"),
    ],
)  # fmt: skip
def test_advice_for_keys(message: Any, expected: str) -> None:
    assert message() == expected


def test_sections() -> None:
    assert section_of(()) == ""
    assert section_of(("jobs", 3)) == section_of(("jobs", 0, "variants", 1)) == "jobs"
    assert section_of(("output", "grid")) == "output.grid"
    assert section_of(("render", "optimizer")) is None


# ---- values


@pytest.mark.parametrize(
    ("line", "write"),
    [
        ("animation: true", "animation: {format: mp4}"),
        ("animation: gif", "animation: {format: gif}"),
        ("size_px: 224x224", "size_px: 224"),
        ("size_px: 480 x 640", "size_px: [640, 480] (height first)"),
        ("size_px: 300x200", "size_px: [200, 300] (height first)"),
        ("save_px: 300\u00d7200", "save_px: [200, 300] (height first)"),
        ("size_px: '300, 200'", "size_px: [300, 200] (height first)"),
        ("size_px: '224'", "size_px: 224"),
        ("size_px: 96px", "size_px: 96"),
        ("size_px: [224]", "size_px: 224"),
        ("size_px: [96, 64, 3]", "size_px: [96, 64]"),
        ("size_px: [3, 96, 64]", "size_px: [96, 64]"),
        ("steps: '128'", "steps: 128"),
        ("steps: 1e3", "steps: 1000"),
        ("memory_gb: 4GB", "memory_gb: 4"),
        ("transforms: none", "transforms: []"),
        ("transforms: {kind: pad, px: 3}", "transforms: [{kind: pad, px: 3}]"),
        ("transforms: [{jitter: 3}]", "{kind: jitter, px: 3}"),
        ("optimizer: sgd", "optimizer: gradient"),
        ("parameterization: fft", "parameterization: fourier"),
        ("penalties: tv", "penalties: [total_variation]"),
        ("attention: yes", "attention: true"),
        ("attention: 0", "attention: false"),
        ("octaves: 4", "octaves: {count: 4}"),
        ("save_at: 4", "save_at: [4]"),
        ("precision: half", "precision: float16"),
    ],
)
def test_line_to_write_in_render(line: str, write: str) -> None:
    assert of_render(line).endswith(f"; write {write}")


@pytest.mark.parametrize(
    ("line", "write"),
    [
        ("sign: -1", "sign: negative"),
        ("diversity: 4", "diversity: {count: 4}"),
        ("title: 3", "title: '3'"),
        ("objective: deepdream", "objective: layer"),
        ("variants: [lucid]", "{name: lucid, recipe: lucid}"),
        ("vectors: random", "vectors: {random: 0-5}"),
        ("vectors: mine.npy", "vectors: {file: mine.npy}"),
        ("vectors: [mine.npy]", "{file: mine.npy}"),
        ("objective: {kind: direction, vector: mine.npy}", "vector: {file: mine.npy}"),
        ("objective: {row: 3, column: 4}", "objective: {kind: neuron, row: 3, column: 4}"),
        ("channels: 0..15", "channels: 0-15"),
        ("channels: '0:15'", "channels: 0-15"),
        ("channels: 0\u201315", "channels: 0-15"),
        ("channels: 1 2 3", "channels: [1, 2, 3]"),
        ("channels: All", "channels: all"),
        ("channels: '*'", "channels: all"),
        ("channels: every 8", "channels: {every: 8}"),
    ],
)
def test_line_to_write_in_a_job(line: str, write: str) -> None:
    assert of_job(line).endswith(f"; write {write}")


OF_DEFAULT = "beta1: 0.3, beta2: 0.9, second_moment: band, anneal_from: 0.5}"
OF_CLASSES = (
    "{kind: adam, learning_rate: 0.045, beta1: 0.5, beta2: 0.9, second_moment: band, anneal_from: 0.5}"
)


@pytest.mark.parametrize(
    ("line", "write"),
    [
        ("optimizer: {learning_rate: 0.05}", f"optimizer: {{kind: adam, learning_rate: 0.05, {OF_DEFAULT}"),
        ("optimizer: {beta1: 0.5}, objective: class_logit", f"optimizer: {OF_CLASSES}"),
        ("optimizer: {momentum: 0.5}", "optimizer: {kind: gradient, momentum: 0.5}"),
        ("recipe: lucid, optimizer: {learning_rate: 0.01}", "optimizer: {kind: adam, learning_rate: 0.01}"),
        ("variants: [{name: v, recipe: maco, optimizer: {learning_rate: 0.5}}]",
         "optimizer: {kind: nadam, learning_rate: 0.5}"),
        ("parameterization: {decay_power: 1.3}",
         "parameterization: {kind: fourier, decay_power: 1.3, coarse_until: 0.15, coarse_from: 0.1}"),
        ("parameterization: {layers: 4}", "parameterization: {kind: cppn, layers: 4}"),
        ("transforms: [flip, {degrees: 20}]",
         "{kind: affine, degrees: 20, scales: [0.93, 1.08], shift_px: 8.0, crop_px: 16}"),
        ("recipe: transparent, penalties: [{weight: 2}]", "{kind: alpha, weight: 2}"),
        ("recipe: yosinski-2, regularizers: [{rate: 0.2}]", "{kind: decay, rate: 0.2}"),
        ("recipe: lucid, parameterization: {alpha: true}", "parameterization: {kind: fourier, alpha: true}"),
    ],
)  # fmt: skip
def test_a_piece_without_its_kind_is_offered_with_all_that_the_recipe_has(line: str, write: str) -> None:
    message = of_job(line)
    assert message.partition("; ")[2] == f"write {write}"
    assert "the key kind is missing (one of " in message
    if "variants" not in line and not write.startswith("{"):
        key, _, value = write.partition(": ")
        assert key in parse_yaml(f"{key}: {value}").data


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("recipe: LUCID", "did you mean lucid?"),
        ("recipe: Lucid", "did you mean lucid?"),
        ("steps: auto", "leave the key out for the default"),
        ("animation: false", "leave the key out for none"),
        ("size_px: picture", "for a dream of the size of its picture leave it out"),
        ("optimizer: {name: adam}", "render.optimizer.name: unknown key (did you mean kind?"),
    ],
)
def test_words_where_there_is_no_line(line: str, words: str) -> None:
    assert words in of_render(line)


def test_names_of_classes_in_the_spec() -> None:
    message = said("{model: {name: m, labels: [a, b]}, jobs: [{name: a}]}")
    assert message.endswith("write the names into a text file, one a line: labels: class_names.txt")


def test_a_space_that_is_missing_below_a_key() -> None:
    assert said("model: m\nrender:\n  steps:5\njobs: [{name: a}]\n").endswith("is missing: write steps: 5")


def test_output_is_no_folder() -> None:
    assert "fvcli render spec.yaml -o run" in said("{model: m, jobs: [{name: a}], output: run}")
