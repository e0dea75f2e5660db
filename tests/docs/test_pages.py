"""The pages of the manual: their specs are planned and their commands are run, all but the rendering.

Pictures are painted in one colour here, which needs no TensorFlow. tests/runs/test_page_commands.py renders.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from fvcli.app.plan_spec import plan_of_spec
from fvcli.cli import main
from fvcli.models.zoo.efficientnet_lite import VARIANTS, installed_weights
from fvcli.spec import parse_document, validate
from tests.helpers.pages import DOCS, ROOT, TASK_PAGES, blocks, page, shown_commands, steps
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import fvcli, write_spec

PHOTO = ROOT / "configs/photos/chelsea.jpg"
FILM = ROOT / "configs/films/approach.mp4"
NEED_TENSORFLOW = {
    "calibrate",
    "compare",
    "diff",
    "examples",
    "info",
    "inspect",
    "work",
}  # and every command about my.keras
RENDERED_ELSEWHERE = {"commands", "own-model", "tutorial"}  # in tests/runs/test_page_commands.py
PAINTED = [name for name in TASK_PAGES if name not in RENDERED_ELSEWHERE]
SPECS = [
    pytest.param(block.text, id=f"{name}-{number}")
    for name in TASK_PAGES
    for number, block in enumerate(blocks(page(name)))
    if block.kind == "yaml"
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a reader works: with a photo, a folder of photos, a film, two checkpoints and a spec."""
    weights = installed_weights(VARIANTS["efficientnet-lite0"])
    for name in ("before.pth", "after.pth"):
        (tmp_path / name).symlink_to(str(weights))
    shutil.copy(PHOTO, tmp_path / "photo.jpg")
    (tmp_path / "photos").mkdir()
    shutil.copy(PHOTO, tmp_path / "photos")
    shutil.copy(FILM, tmp_path / "film.mp4")
    assert fvcli("init", tmp_path / "spec.yaml").exit_code == 0
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", SPECS)
def test_a_spec_of_a_page_can_be_planned(text: str, folder: Path) -> None:
    data = YAML(typ="safe", pure=True).load(text)
    assert data.keys() >= {"model", "jobs"}, "write whole specs, which readers can copy"
    if isinstance(data["model"], dict):  # a file that only the reader has
        document = parse_document(text, "spec.yaml")
        validate(document)
        document.raise_problems()
        return
    planned = plan_of_spec(str(write_spec(folder, text, "of-page.yaml")), [])
    assert len(planned.plan.units) > 0
    assert not planned.remarks


def test_there_are_specs_of_many_pages() -> None:
    assert len(SPECS) > 25


@pytest.mark.parametrize("name", [*TASK_PAGES, "README"])
def test_commands_of_a_page_have_the_options_that_they_are_given(name: str) -> None:
    for words in shown_commands(page(name)):
        command = main.commands.get(words[0])
        if command is None:
            assert words == ["COMMAND", "--help"] or words[0] == "--version", words
        elif words[1:] and not re.search(r"\.\.\.|\[WORD\]", " ".join(words)):
            command.make_context(words[0], words[1:])


@pytest.mark.parametrize("name", [name for name in PAINTED if list(steps(page(name)))])
def test_commands_of_a_page_can_be_run_in_order(name: str, folder: Path, easel: PaintingEngine) -> None:
    for file, text in steps(page(name)):
        if file:
            (folder / file).write_text(text)
        elif (words := shlex.split(text))[1] not in NEED_TENSORFLOW:
            done = fvcli(*words[1:])
            assert words[0] == "fvcli"
            assert done.exit_code == 0, (text, done.stderr)
    assert easel.painted or "fvcli render" not in page(name)


def test_the_atlas_of_its_page_grows_and_keeps_what_is_finished(folder: Path, easel: PaintingEngine) -> None:
    files = [text for file, text in steps(page("atlas")) if file == "atlas.yaml"]
    assert len(files) == 2
    for text in files:
        done = fvcli("render", write_spec(folder, text), "-o", "run")
        assert done.exit_code == 0, done.stderr
    assert len(easel.painted) == len(set(easel.painted))
    assert "12 kept, 8 new" in done.stderr


def test_the_page_of_commands_has_every_command_and_every_exit_code() -> None:
    text = page("commands")
    table = set(re.findall(r"^\| `fvcli (\w+)", text, re.MULTILINE))
    assert table == set(main.commands)
    from fvcli.cli import exit_and_signals

    codes = {value for name, value in vars(exit_and_signals).items() if name.startswith("EXIT_")}
    assert set(map(int, re.findall(r"^\| (\d+) \|", text, re.MULTILINE))) == {0, *codes}


def test_remarks_of_pictures_are_explained() -> None:
    from fvcli.run.remarks import SAID

    for kind in SAID:
        for name in ("glossary", "json-files"):
            assert f"`{kind}`" in page(name), (kind, name)


def test_every_page_is_in_the_menu_and_none_is_forgotten() -> None:
    config = YAML(typ="safe", pure=True).load((DOCS / "site/mkdocs.yml").read_text().replace("!!python", "#"))
    menu = str(config["nav"])
    assert {path.name for path in DOCS.glob("*.md")} == set(re.findall(r"[\w-]+\.md", menu))


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_links_of_pages_lead_to_files(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)[^)]*\)", path.read_text()):
        assert (path.parent / target).is_file(), target
