"""Specs and commands with mistakes: what is said, on which line, and that nothing is written."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from fvcli.cli import main
from fvcli.errors import CONTINUED
from fvcli.models import weights_in_use
from fvcli.models.files.file_kinds import HDF5

BAD_SPECS = sorted((Path(__file__).parents[1] / "data" / "bad_specs").glob("*.yaml"))
MARK = "# expect: "
GOOD = """\
model: efficientnet-lite0
jobs:
  - name: textures
    layer: stem_bn
    channels: 0-3
"""
INSTALLED = {name: Path(place) for name, place in weights_in_use().items() if place}
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


@pytest.fixture(autouse=True)
def _without_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every import of TensorFlow fail: no mistake may need it."""
    for module in ("tensorflow", "keras", "fvcli.models.loaded", "fvcli.worker.render_batches"):
        monkeypatch.setitem(sys.modules, module, None)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(GOOD)
    return path


def mistakes(out: Path, *words: object) -> list[str]:
    """Run ``fvcli render``, check that it ends as a mistake should, and return what it says of it."""
    result = CliRunner().invoke(main, ["render", "-o", str(out), *map(str, words)])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert "a bug in fvcli" not in result.stderr
    assert not out.exists()
    lines = result.stderr.splitlines()
    assert lines
    said = [line for line in lines if not line.startswith(CONTINUED)]
    assert [line for line in said if not line.startswith("Error: ")] == []
    return [line.removeprefix("Error: ") for line in said]


def with_weights(folder: Path, weights: Path, *more: str) -> Path:
    path = folder / "spec.yaml"
    model = "".join(f"  {line}\n" for line in ("name: efficientnet-lite0", f"weights: {weights}", *more))
    path.write_text("model:\n" + model + GOOD.partition("\n")[2])
    return path


# ---- specs


def test_there_are_bad_specs() -> None:
    assert len(BAD_SPECS) >= 35


@pytest.mark.parametrize("path", BAD_SPECS, ids=lambda path: path.stem)
def test_bad_spec(path: Path, tmp_path: Path) -> None:
    """Each mistake is said once, in the order of the file, and nothing besides."""
    expected = [line.removeprefix(MARK) for line in path.read_text().splitlines() if line.startswith(MARK)]
    found = mistakes(tmp_path / "run", path)
    assert len(found) == len(expected), found
    for line, text in zip(found, expected, strict=True):
        assert line.startswith(f"{path}:")
        assert text in line


@pytest.mark.parametrize(
    ("stem", "wanted", "misleading"),
    [
        ("class_ambiguous", "134 (crane bird) or 517 (construction crane)", "no class is named"),
        ("scales_one", "scales", "key is missing"),
        ("channels_fraction", "0-15", "mapping"),
    ],
)
def test_message_is_of_use(stem: str, wanted: str, misleading: str, tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path / "run", Path(__file__).parents[1] / "data" / "bad_specs" / f"{stem}.yaml")
    assert wanted in line
    assert misleading not in line


def test_tags_do_not_act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mistakes(tmp_path / "run", Path(__file__).parents[1] / "data" / "bad_specs" / "tag_python_call.yaml")
    assert os.listdir(tmp_path) == []


# ---- files that are no specs


def test_picture_as_spec(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    Image.new("RGB", (8, 8)).save(picture)
    (line,) = mistakes(tmp_path / "run", picture)
    assert line == f"{picture}: a picture, not a spec: a spec names it so, in a job: pictures: {picture}"


def test_picture_of_fvcli_as_spec(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("fvcli", '{"key": "0", "spec": {"model": "efficientnet-lite0", "jobs": []}}')
    picture = tmp_path / "picture.png"
    Image.new("RGB", (8, 8)).save(picture, pnginfo=info)
    (line,) = mistakes(tmp_path / "run", picture)
    assert line.endswith(f"to render it again: fvcli render --from {picture} -o run")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("m.h5", HDF5 + bytes(40), "a Keras model (HDF5), not a spec: write a spec with the line model: "),
        ("m.pt", b"\x80\x02}q.", "a PyTorch file, not a spec: export it with torch.onnx.export"),
        (
            "m.onnx",
            b"\x08\x07\x12\x07pytorch" + bytes(9),
            "an ONNX model, not a spec: convert it with onnx2tf",
        ),
        ("m.tflite", b"\x1c\0\0\0TFL3" + bytes(9), "a TensorFlow Lite model, not a spec"),
        ("m.keras", b"", "an empty file, not a spec: copy or download it again"),
        (
            "m.bin",
            b"\x0a\x09\x0a\x01x\x12\x04Relu",
            "a TensorFlow graph, not a spec: write a spec with the line",
        ),
        ("m.pbtxt", b"node {\n", "a TensorFlow graph as text, not a spec: save it in binary form: python -c"),
        ("page.yaml", b"<!DOCTYPE html><html></html>", "a web page, not a spec"),
    ],
)
def test_model_as_spec(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    (line,) = mistakes(tmp_path / "run", path)
    assert line.startswith(f"{path}: {words}")


def test_latin_1_as_spec(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(GOOD.encode() + "# café\n".encode("latin-1"))
    (line,) = mistakes(tmp_path / "run", path)
    assert line.startswith(f"{path}:6:6: the byte 0xe9 is not UTF-8 text: save the file as UTF-8; ")
    assert line.endswith("in Windows-1252 the byte is 'é'")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_spec_may_begin_with_a_mark_of_its_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(GOOD, encoding=encoding)
    result = CliRunner().invoke(main, ["plan", str(path)])
    assert result.exit_code == 0, result.stderr


def test_unicode_without_a_mark_as_spec(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(GOOD.encode("utf-16-le"))
    assert len(mistakes(tmp_path / "run", path)) == 1


def test_folder_as_spec(tmp_path: Path) -> None:
    folder = tmp_path / "specs"
    folder.mkdir()
    assert mistakes(tmp_path / "run", folder) == [
        f"{folder}: a folder, not a spec: fvcli init spec.yaml writes a spec to start from"
    ]
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "cp.ckpt.index").touch()
    (line,) = mistakes(tmp_path / "run", tmp_path / "training")
    assert line.startswith(f"{tmp_path}/training: a TensorFlow checkpoint, not a spec: it has weights and no")
    (folder / "b.yaml").write_text(GOOD)
    assert mistakes(tmp_path / "run", folder) == [
        f"{folder}: a folder, not a spec: there is {folder}/b.yaml in it"
    ]
    (folder / "plan.json").write_text("{}")
    (line,) = mistakes(tmp_path / "run", folder)
    assert line.endswith(f"to go on with it: fvcli render {folder}/spec.yaml -o {folder}")


def test_spec_as_model(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(GOOD.replace("efficientnet-lite0", str(path)))
    (line,) = mistakes(tmp_path / "run", path)
    assert line.endswith("a spec, which is no model that fvcli reads: write the model that it names")


def test_picture_on_another_machine(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(GOOD.replace("channels: 0-3", "objective: style\n    pictures: http://x.org/cat.jpg"))
    (line,) = mistakes(tmp_path / "run", path)
    assert (
        "http://x.org/cat.jpg: fvcli loads nothing from the network: save the file here and name it: cat.jpg"
        in line
    )


def test_spec_missing(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    assert mistakes(tmp_path / "run", path)[0].startswith(f"{path}: No such file or directory")


def test_spec_of_no_bytes(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.touch()
    assert "the file is empty" in mistakes(tmp_path / "run", path)[0]


def test_very_long_spec(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(GOOD + "#" * 1_000_000)
    assert "longer than 1,000,000 characters" in mistakes(tmp_path / "run", path)[0]


def test_key_of_two_lines_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(GOOD + '"a\\nb": 3\n')
    assert len(mistakes(tmp_path / "run", path)) == 1


# ---- weights


def test_weights_cut_short(tmp_path: Path) -> None:
    weights = tmp_path / "cut.pth"
    weights.write_bytes(INSTALLED["efficientnet-lite0"].read_bytes()[:1_000_000])
    (line,) = mistakes(tmp_path / "run", with_weights(tmp_path, weights))
    assert f"{weights}: not a readable PyTorch weights file (it ends too early)" in line


def test_a_network_in_the_place_of_weights_is_named_as_the_model(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    for name in ("own/saved_model.pb", "own.h5", "own.keras"):
        (tmp_path / name).write_bytes(b"\x89HDF\r\n\x1a\n")
    with zipfile.ZipFile(tmp_path / "own.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    expected = {"own": "own", "own.keras": "own.keras", "own.h5": "own.h5"}
    for given, model in expected.items():
        for name in ("efficientnet-lite0", "inceptionv1"):
            spec = with_weights(tmp_path, tmp_path / given)
            (line,) = mistakes(tmp_path / "run", spec, "--set", f"model.name={name}")
            assert f", but weights of {name} are " in line
            assert f"name it as the model, without weights: --set model={tmp_path / model}" in line
            assert ".pth" in line
            assert ("if the file has the network as well" in line) == (given == "own.h5")


def test_weights_with_another_sum(tmp_path: Path) -> None:
    spec = with_weights(tmp_path, INSTALLED["efficientnet-lite0"], f"sha256: {'0a' * 32}")
    (line,) = mistakes(tmp_path / "run", spec)
    assert f"SHA-256 is {LITE0_SHA256[:16]}..., expected {'0a' * 8}..." in line


def test_weights_that_run_code(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "hacked"),)

    weights = tmp_path / "hostile.pth"
    weights.write_bytes(pickle.dumps(Payload()))
    (line,) = mistakes(tmp_path / "run", with_weights(tmp_path, weights))
    assert "posix.mkdir, which is not allowed" in line
    assert not (tmp_path / "hacked").exists()


def test_weights_of_another_network(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path / "run", with_weights(tmp_path, INSTALLED["efficientnet-lite1"]))
    assert "layer block3_dw_conv has a weight of shape (3, 3, 144, 1), expected (5, 5, 144, 1)" in line
    assert "the file belongs to another network" in line


def test_weights_without_a_layer(tmp_path: Path) -> None:
    spec = with_weights(tmp_path, INSTALLED["efficientnet-lite0"])
    spec.write_text(spec.read_text().replace("name: efficientnet-lite0", "name: efficientnet-lite1"))
    (line,) = mistakes(tmp_path / "run", spec)
    assert "layer block3_dw_conv has a weight of shape (5, 5, 144, 1), expected (3, 3, 144, 1)" in line
    assert "the file belongs to another network" in line


def test_weights_folder(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path / "run", with_weights(tmp_path, tmp_path))
    assert f"{tmp_path}: a folder, but weights of efficientnet-lite0 are a .pth file" in line


def test_weights_named_by_nothing(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path / "run", with_weights(tmp_path, Path('""')))
    assert ".: Is a directory" not in line


def test_sum_of_weights_may_be_in_capitals(tmp_path: Path) -> None:
    weights = INSTALLED["efficientnet-lite0"]
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == LITE0_SHA256
    spec = with_weights(tmp_path, weights, f"sha256: {LITE0_SHA256.upper()}")
    result = CliRunner().invoke(main, ["plan", str(spec)])
    assert result.exit_code == 0, result.output


# ---- --set


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("render.steps=", "write key.path=value, such as render.steps=64; the value null leaves the key out"),
        ("steps", "write key.path=value, such as render.steps=64"),
        ("=3", "write key.path=value, such as render.steps=64"),
        ("...=3", "write key.path=value, such as render.steps=64"),
        ("modle=efficientnet-lite0", "modle: unknown key (did you mean model?)"),
        ("render.step=3", "render.step: unknown key (did you mean steps?)"),
        ("render.steps=many", "render.steps: 'many' should be a valid integer"),
        ("render.steps=1:²", "render.steps: '1:²' should be a valid integer"),
        ("render.steps=[1", "not valid YAML: "),
        ("render.steps=*x", "not valid YAML: * begins an alias, and nothing is named &x; quote a pattern"),
        ("render={steps: 0}", "render.steps: 0 should be greater than or equal to 1"),
        ("render={stepz: 3}", "render.stepz: unknown key (did you mean steps?)"),
        ("jobs.texture.channels=1", "jobs: no entry is named 'texture' (did you mean textures?)"),
        ("jobs.xyz.channels=1", "jobs: no entry is named 'xyz' (textures)"),
        ("jobs.5.channels=1", "jobs[5]: "),
        ("jobs.².channels=1", "jobs: no entry is named '²'"),
        ("jobs[0].channels=1-", "jobs[0].channels: '1-' names no channels"),
        ("jobs.textures.channels=99", "jobs[0].channels: channel 99 not in stem_bn, which has 0-31"),
        ("jobs.textures.layer=stem_bm", "jobs[0].layer: efficientnet-lite0 has no layer 'stem_bm'"),
        ("jobs.textures=3", "jobs[0]: 3 should be a mapping"),
        ("jobs=[]", "jobs: the list is empty"),
        ("jobs=[{name: 3, layer: stem}]", "jobs[0].name: 3 should be a valid string"),
        ("jobs.1.layer=stem", "jobs[1]: the list ends with [0]"),
        (f"jobs.{'9' * 5000}.layer=stem", "jobs: no entry is named '999"),
        ("jobs.0.name.x=3", "jobs[0].name: 'textures' has no keys that could be set"),
        ("model.weights=", "write key.path=value"),
        ("render.transforms=[{kind: jitter, px: 300}]", "render.transforms: of 224 x 224 px"),
        ("version=2", "version: 2 is not possible"),
        ("model=efficientnet-lite3", "model: there is no model 'efficientnet-lite3'"),
        # the key below is what is wrong, and the file says nothing of it
        ("model.weights=no/such.pth", "no/such.pth: No such file or directory"),
        ("render.size_px=16", "16 x 16 is too small"),
        ("render.steps.x=3", "render.steps"),
        (
            "render.optimizer.learning_rate=0.1",
            "render.optimizer: the key kind is missing (one of adam, lion, gradient, nadam); write "
            "optimizer: {kind: adam, learning_rate: 0.1, beta1: 0.3, beta2: 0.9, second_moment: band, "
            "anneal_from: 0.5}",
        ),
        ("jobs.textures.objective.row=3", "jobs[0].objective"),
        ("jobs.textures.channels.every=2", "jobs[0].channels"),
    ],
)
def test_set(spec: Path, tmp_path: Path, override: str, expected: str) -> None:
    (line,) = mistakes(tmp_path / "run", spec, "--set", override)
    assert line.startswith(f"--set {override}: ")
    assert expected in line


def test_set_below_a_shorthand_is_not_blamed_for_it(spec: Path, tmp_path: Path) -> None:
    spec.write_text(GOOD.replace("lite0", "lite3"))
    (line,) = mistakes(tmp_path / "run", spec, "--set", "model.weights=imagenet")
    assert line.startswith(f"{spec}:1: model.name: there is no model 'efficientnet-lite3'")


def test_set_of_several_lines_is_one_message(spec: Path, tmp_path: Path) -> None:
    assert len(mistakes(tmp_path / "run", spec, "--set", "render.steps=3\nx: 4")) == 1


def test_mistakes_of_set_follow_those_of_the_file(spec: Path, tmp_path: Path) -> None:
    spec.write_text(GOOD + "    sign: minus\n")
    first, second = mistakes(tmp_path / "run", spec, "--set", "render.steps=1:2")
    assert first.startswith(f"{spec}:6: jobs[0].sign: ")
    assert second.startswith("--set render.steps=1:2: ")


# ---- other options


@pytest.mark.parametrize(
    "shard", ["3", "0/2", "3/2", "1/2/3", "-1/2", "1/", "/2", "a/b", "1.0/2", "", "²/3", "1/" + "9" * 5000]
)
def test_shard(spec: Path, tmp_path: Path, shard: str) -> None:
    (line,) = mistakes(tmp_path / "run", spec, f"--shard={shard}")
    assert line.startswith(f"--shard {shard}: not a slice: write I/N")


@pytest.mark.parametrize("pattern", ["dogs/*", "textures/channel-0004", "[", ""])
def test_only_without_match(spec: Path, tmp_path: Path, pattern: str) -> None:
    (line,) = mistakes(tmp_path / "run", spec, "--only", pattern)
    assert line == f"--only {pattern}: no unit matches: units are named like textures/channel-0000"


def test_neither_spec_nor_picture(tmp_path: Path) -> None:
    assert mistakes(tmp_path / "run")[0].startswith("give either a SPEC or --from PICTURE")


def test_both_spec_and_picture(spec: Path, tmp_path: Path) -> None:
    found = mistakes(tmp_path / "run", spec, "--from", tmp_path / "picture.png")
    assert found[0].startswith("give either a SPEC or --from PICTURE")


def test_from_missing(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    assert mistakes(tmp_path / "run", "--from", path)[0].startswith(f"{path}: No such file")


def test_from_no_picture(spec: Path, tmp_path: Path) -> None:
    assert mistakes(tmp_path / "run", "--from", spec)[0].startswith(f"{spec}: not a picture")


@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '{"spec": 3}'])
def test_from_picture_without_spec(tmp_path: Path, text: str | None) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    if text is not None:
        info.add_itxt("fvcli", text)
    path = tmp_path / "picture.png"
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    (line,) = mistakes(tmp_path / "run", "--from", path)
    assert line.startswith(f"{path}: ")
    assert "give a .png that fvcli wrote" in line


def test_from_picture_with_bad_spec(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("fvcli", '{"spec": {"model": "efficientnet-lite0", "jobs": []}}')
    path = tmp_path / "picture.png"
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    (line,) = mistakes(tmp_path / "run", "--from", path)
    assert line.startswith(f"{path}:")
    assert line.endswith("jobs: the list is empty")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("atlas.yam", "did you mean {}?"),
        ("atlsa.yaml", "did you mean {}?"),
        ("zebra.yaml", "fvcli init spec.yaml writes a spec to start from"),
    ],
)
def test_a_spec_that_is_not_there_may_be_another(name: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / "atlas.yaml").write_text("")
    (tmp_path / "atlas.txt").write_text("")
    said = hint.format(tmp_path / "atlas.yaml")
    assert mistakes(tmp_path / "run", tmp_path / name) == [
        f"{tmp_path / name}: No such file or directory: {said}"
    ]
