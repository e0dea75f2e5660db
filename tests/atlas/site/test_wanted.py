"""What is wrong with what is asked of an atlas is said all at once, before anything is written."""

from __future__ import annotations

import builtins
from pathlib import Path

import pytest

from fvcli.atlas.site import SiteOptions, build_site
from fvcli.atlas.site.wanted import refuse_url
from fvcli.errors import UsageError
from fvcli.run import RunFolder
from tests.helpers.atlas_runs import contents
from tests.helpers.running import fvcli


def test_all_that_is_wrong_is_said_at_once(small: RunFolder, tmp_path: Path) -> None:
    before = contents(small.path)
    names, other = tmp_path / "names.tsv", tmp_path / "other"
    names.write_text("stem_bn 1 dots\n")
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    words = ("--labels", names, "--url", "foo", "--single", tmp_path / "one.txt")
    asked = ("--figure", "nowhere", "--figure", "stem_bn:77")
    result = fvcli("atlas", small.path, "-o", other, *words, *asked)
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert [line.startswith("Error: ") for line in lines] == [True] * 5
    for line, said in zip(
        lines,
        (
            f"{other} holds something else than an atlas: give another folder with -o",
            f"{names}:1: 1 columns, not 3 or 4",
            "--url foo: no http or https address",
            f"{tmp_path / 'one.txt'}: a browser opens names that end in .html",
            "--figure nowhere: nowhere is no layer of the atlas; --figure stem_bn:77: the atlas has no unit",
        ),
        strict=True,
    ):
        assert said in line
    assert contents(small.path) == before
    assert contents(other) == {"mine.txt": b"mine"}


def test_a_missing_library_is_said_with_the_rest(
    small: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def missing(name: str, *more: object) -> object:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", missing)
    options = SiteOptions(out=tmp_path / "site", table=True, url="ftp://example.org", single=tmp_path)
    with pytest.raises(UsageError) as error:
        build_site(small, options)
    lines = error.value.message.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "--url ftp",
        "a table needs pyarrow, which is not installed",
        f"{tmp_path} is a folder",
    ]
    assert not (tmp_path / "site").exists()


def test_a_run_of_which_nothing_is_rendered_is_said_with_the_rest(small: RunFolder, tmp_path: Path) -> None:
    for unit in small.plan.units:
        small.json(unit).unlink(missing_ok=True)
    result = fvcli("atlas", small.path, "-o", tmp_path / "out", "--url", "example.org")
    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert f"{small.path}: no unit is rendered yet: see: fvcli status {small.path}" in first
    assert "--url example.org: no http or https address" in second


@pytest.mark.parametrize(
    "url",
    [
        "foo",
        "example.org/atlas",
        "/atlas",
        "file:///atlas",
        "ftp://example.org",
        "http://",
        "https:///atlas",
        "http://[::1",
        "http://example.org:port",
        "",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_address_of_a_site_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="no http or https address") as error:
        refuse_url(url)
    assert "https://example.org/atlas" in str(error.value.hint)


@pytest.mark.parametrize("url", ["https://example.org/?a=1", "https://example.org/atlas#top"])
def test_no_page_stands_behind_a_query_or_a_fragment(url: str) -> None:
    with pytest.raises(UsageError, match="cannot stand behind"):
        refuse_url(url)


@pytest.mark.parametrize(
    "url",
    [None, "http://localhost:8000", "https://example.org", "HTTPS://Example.org/a/b/", "http://[::1]:80/a"],
)
def test_addresses_of_sites_are_taken(url: str | None) -> None:
    refuse_url(url)


@pytest.mark.parametrize("place", ["site/one.html", "run/one.html", "run/units/one.html"])
def test_one_file_takes_no_place_in_the_site_or_the_run(small: RunFolder, tmp_path: Path, place: str) -> None:
    own = small.path.parent
    site = own / "site"
    with pytest.raises(UsageError, match=f"among the files of the {place.partition('/')[0]}"):
        build_site(small, SiteOptions(out=site, single=own / place))
    assert not site.exists()
