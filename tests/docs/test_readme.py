"""What the pages name is there."""

from __future__ import annotations

import re

from tests.helpers.pages import ROOT, commands, page

ROW = re.compile(r"^\| (.+?) \| (.+?) \|$", re.MULTILINE)


def test_the_readme_is_short_and_leads_to_pages_and_pictures() -> None:
    text = page("README")
    assert commands(text)[:2] == ["scripts/quickstart", "scripts/test"]
    assert len(text.splitlines()) < 120
    targets = re.findall(r"\]\((?!https?:)([^)]+)\)", text)
    assert len(targets) > 20
    for target in targets:
        assert (ROOT / target).is_file(), target


def test_the_page_of_tested_models_names_tests_that_exist() -> None:
    text = page("tested-models")
    tests = {path.name: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    named = set(re.findall(r"`(test_\w+(?:\.py)?)`", text))
    assert len(named) > 7
    for name in named:
        assert name in tests or any(f"def {name}(" in source for source in tests.values()), name
    known = re.findall(r'^    "([a-z_ ]+)": \(', tests["test_user_models.py"], re.MULTILINE)
    shapes = text.partition("## Shapes of networks")[2].partition("\n## ")[0]
    rows = {name for _, told in ROW.findall(shapes) for name in re.findall(r"`([a-z_ ]+)`", told)}
    networks = {name for name in rows if not name.startswith("test_")}
    assert networks <= set(known), networks - set(known)
    assert len(networks) > 10


def test_every_kind_of_model_that_a_spec_may_name_is_tested() -> None:
    own = page("models").partition("## Your own")[2].partition("\n## ")[0]
    heads = {"kind of model", "shape of network"}
    kinds = {kind for kind, _ in ROW.findall(own)} - heads
    assert len(kinds) > 20
    assert kinds == {kind for kind, _ in ROW.findall(page("tested-models"))} - heads
