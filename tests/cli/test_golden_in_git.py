"""A golden in a git repository: what was accepted is not asked for again, whatever git does to the commits.

Pictures are painted and compared without networks; git is the real one.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.helpers.goldens import EDGES, HERE, TEXTURES, UNITS, Painted, noise, painted_run
from tests.helpers.running import fvcli

NEXT_TENSORFLOW = {**HERE, "versions": {**HERE["versions"], "tensorflow": "2.22.0"}}


def other(path: str, seed: int = 100) -> Painted:
    """Paint a unit with other pixels, as another computation would from the first step on."""
    return Painted(pixels=noise(seed + UNITS.index(path)), saved=8.0, trace=(1.5, 2.5, 3.5))


def rounded(path: str) -> Painted:
    """Paint a unit as another computer would."""
    pixels = noise(UNITS.index(path))
    return Painted(pixels=pixels - (pixels > 200), saved=10.001, trace=(1.0, 2.0, 3.0000001))


class Repository:
    """A repository with a golden on main, and runs beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "project"
        self.path.mkdir()
        self.git("init", "-q", "-b", "main")
        self.golden = self.path / "golden"
        self.first = painted_run(folder, "first")
        self.accept(self.first, "the first golden")

    def git(self, *words: str, check: bool = True) -> str:
        of_a_person = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        done = subprocess.run(
            ["git", *of_a_person, *words], cwd=self.path, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def accept(self, run: Path, why: str) -> None:
        result = fvcli("accept", run, "--golden", self.golden, "--reason", why, "--no-model")
        assert result.exit_code == 0, result.stderr
        self.git("add", "-A")
        self.git("commit", "-q", "-m", why)

    def run(self, name: str, units: Sequence[tuple[str, Painted]], **how: dict) -> Path:
        return painted_run(self.folder, name, dict(units), **how)

    def passes(self, run: Path, *words: str | Path) -> bool:
        result = fvcli("compare", self.golden, run, "--no-model", *words)
        assert result.exit_code in {0, 1}, result.stderr
        return result.exit_code == 0

    @property
    def is_clean(self) -> bool:
        return self.git("status", "--porcelain") == ""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_EDITOR", "true")
    return Repository(tmp_path)


def test_a_change_that_was_accepted_on_a_branch_is_not_asked_for_after_a_squash(
    repository: Repository,
) -> None:
    changed = repository.run("changed", [(EDGES[0], other(EDGES[0])), (TEXTURES[1], other(TEXTURES[1]))])
    repository.git("checkout", "-q", "-b", "brighter")
    assert not repository.passes(changed)
    repository.accept(changed, "brighter pictures")
    assert repository.passes(changed)
    repository.git("checkout", "-q", "main")
    assert not repository.passes(changed)  # it is not accepted here
    repository.git("merge", "-q", "--squash", "brighter")
    repository.git("commit", "-q", "-m", "Brighter pictures, squashed")
    assert repository.passes(changed)
    assert not repository.passes(repository.first)  # what was replaced would be a change
    assert repository.is_clean


def test_two_branches_that_accept_the_same_change_are_rebased_without_a_conflict(
    repository: Repository,
) -> None:
    changed = repository.run("changed", [(path, other(path)) for path in EDGES])
    for branch in ("one", "two"):
        repository.git("checkout", "-q", "-b", branch, "main")
        repository.accept(changed, f"accepted on {branch}")
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "--ff-only", "one")
    repository.git("checkout", "-q", "two")
    repository.git("rebase", "-q", "main")
    assert repository.passes(changed)
    assert not repository.passes(repository.first)
    reasons = (repository.golden / "history.jsonl").read_text()
    assert "accepted on one" in reasons
    assert "accepted on two" in reasons
    assert repository.is_clean


def test_two_branches_that_accept_other_units_are_merged(repository: Repository) -> None:
    edge, texture = (EDGES[3], other(EDGES[3])), (TEXTURES[0], other(TEXTURES[0]))
    for branch, unit in (("edges", edge), ("textures", texture)):
        repository.git("checkout", "-q", "-b", branch, "main")
        repository.accept(repository.run(branch, [unit]), branch)
    repository.git("merge", "-q", "--no-edit", "edges")
    both = repository.run("both", [edge, texture])
    assert repository.passes(both)
    assert not repository.passes(repository.run("one", [edge]))
    assert not repository.passes(repository.first)
    third = repository.run("third", [edge, texture, (EDGES[1], other(EDGES[1]))])
    assert not repository.passes(third)  # nobody accepted that one
    repository.accept(third, "the next")  # a merged golden is accepted into like any other
    manifest = (repository.golden / "manifest.sha256").read_text().splitlines()
    assert len(manifest) == len({line.partition("  ")[2] for line in manifest})


def test_of_two_accepted_pictures_of_a_unit_either_passes_whichever_side_git_kept(
    repository: Repository,
) -> None:
    ours, theirs = (
        repository.run(name, [(EDGES[2], other(EDGES[2], seed))]) for name, seed in (("a", 100), ("b", 200))
    )
    for branch, run in (("ours", ours), ("theirs", theirs)):
        repository.git("checkout", "-q", "-b", branch, "main")
        repository.accept(run, f"accepted on {branch}")
    repository.git("checkout", "-q", "ours")
    repository.git("merge", "theirs", "--no-edit", check=False)
    conflicts = repository.git("diff", "--name-only", "--diff-filter=U").split()
    assert conflicts == [f"golden/units/{EDGES[2]}.json", f"golden/units/{EDGES[2]}.png"]
    repository.git("checkout", "--ours", "golden")
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", "Merge")
    assert repository.passes(ours)
    assert repository.passes(theirs)
    result = fvcli("compare", repository.golden, theirs, "--no-model", "--json")
    assert '"why": "accepted 20' in result.stdout
    assert " by Ada" not in result.stdout  # the name is that of who ran accept
    assert not repository.passes(repository.first)
    assert not repository.passes(repository.run("c", [(EDGES[2], other(EDGES[2], 300))]))


def test_what_the_main_branch_accepted_passes_on_a_branch_that_was_begun_before(
    repository: Repository,
) -> None:
    changed = repository.run("changed", [(EDGES[0], other(EDGES[0]))])
    repository.git("branch", "old")
    repository.accept(changed, "accepted on main")
    repository.git("checkout", "-q", "old")
    assert not repository.passes(changed)
    known = repository.folder / "history-of-main.jsonl"
    known.write_text(repository.git("show", "main:golden/history.jsonl"))
    assert repository.passes(changed, "--accepted", known)
    other_change = repository.run("other", [(EDGES[0], other(EDGES[0], 200))])
    assert not repository.passes(other_change, "--accepted", known)


def test_what_was_taken_back_is_not_accepted_any_more(repository: Repository) -> None:
    changed = repository.run("changed", [(EDGES[0], other(EDGES[0]))])
    repository.accept(changed, "brighter")
    repository.accept(repository.first, "too bright: taken back")
    assert repository.passes(repository.first)
    assert not repository.passes(changed)


def test_another_toolchain_passes_and_rewrites_no_file(repository: Repository) -> None:
    noisy = repository.run("noisy", [(path, rounded(path)) for path in UNITS], fingerprint=NEXT_TENSORFLOW)
    assert repository.passes(noisy)
    result = fvcli(
        "accept", noisy, "--golden", repository.golden, "--reason", "TensorFlow 2.22", "--no-model"
    )
    assert result.stdout == (
        f"{repository.golden}: nothing to accept; 8 units as they were, "
        "8 of them close (--all takes them over)\n"
    )
    assert repository.is_clean
    units = [(path, rounded(path)) for path in UNITS[:-1]] + [(UNITS[-1], other(UNITS[-1]))]
    broken = repository.run("broken", units, fingerprint=NEXT_TENSORFLOW)
    assert not repository.passes(broken)
    repository.accept(broken, "another rounding of textures")
    changed = repository.git("show", "--name-only", "--format=").split()
    unit = f"golden/units/{UNITS[-1]}"
    assert set(changed) - {"golden/history.jsonl", "golden/manifest.sha256"} == {
        *(f"{unit}.json", f"{unit}.png"),
        *(name for name in changed if name.startswith("golden/fingerprints/")),
    }
