"""What ``fvcli render`` makes of its options, and what it says besides."""

from __future__ import annotations

from pathlib import Path

import pytest

from fvcli.app.plan_spec import PlannedSpec
from fvcli.app.render_run import Observer, RenderOptions, RenderOutcome
from fvcli.cli.engine_type import EngineType
from fvcli.cli.options import parse_shard
from fvcli.engines import EngineOptions
from fvcli.media import encode_picture, picture_text
from fvcli.media.png import read_picture
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import fvcli, write_spec

NOTHING = RenderOutcome(Path("run"), {}, (), (), False, 0, 7)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, RenderOptions | None]]:
    """Render nothing; returns where and how it was asked for."""
    heard: list[tuple[Path, RenderOptions | None]] = []

    def render_run(
        planned: PlannedSpec, output: Path, options: RenderOptions | None, observer: Observer
    ) -> RenderOutcome:
        heard.append((output, options))
        return NOTHING

    monkeypatch.setattr("fvcli.app.render_run.render_run", render_run)
    return heard


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], RenderOptions()),
        (["--engine", "local"], RenderOptions(engine="local")),
        (["--shard", "2/3"], RenderOptions(shard=(2, 3))),
        (["--only", "edges", "--only", "*17"], RenderOptions(only=("edges", "*17"))),
        (["--force"], RenderOptions(force=True)),
        (["--again"], RenderOptions(again=True)),
        (["--allow-code"], RenderOptions(engine_options=EngineOptions(allow_code=True))),
        (["--mixed"], RenderOptions(engine_options=EngineOptions(mixed=True))),
        (["--workers", "auto"], RenderOptions()),
        (["--workers", "3"], RenderOptions(engine_options=EngineOptions(workers=3))),
        (["--gpus-per-worker", "0.5"], RenderOptions(engine_options=EngineOptions(gpus_per_worker=0.5))),
        (["--threads", "2"], RenderOptions(engine_options=EngineOptions(threads=2))),
        (["--tries", "5"], RenderOptions(engine_options=EngineOptions(tries=5))),
        (["--timeout", "90"], RenderOptions(engine_options=EngineOptions(timeout_s=90.0))),
        (["--lease", "30"], RenderOptions(engine_options=EngineOptions(lease_s=30.0))),
    ],
)
def test_each_option_says_what_it_says(
    words: list[str],
    options: RenderOptions,
    tmp_path: Path,
    asked: list[tuple[Path, RenderOptions | None]],
) -> None:
    result = fvcli("render", write_spec(tmp_path), "-o", tmp_path / "run", *words)
    assert (result.exit_code, result.stderr) == (0, "")
    assert asked == [(tmp_path / "run", options)]


def test_a_slice_is_one_of_so_many() -> None:
    assert parse_shard(None, {}) is None
    assert [parse_shard(text, {}) for text in ("1/1", "1/4", "4/4", "12/34")] == [
        (1, 1),
        (1, 4),
        (4, 4),
        (12, 34),
    ]


def test_either_a_spec_or_a_picture_is_rendered(
    tmp_path: Path, asked: list[tuple[Path, RenderOptions | None]]
) -> None:
    spec = write_spec(tmp_path)
    for words in ([], [spec, "--from", tmp_path / "a.png"]):
        result = fvcli("render", *words, "-o", tmp_path / "run")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == "Error: give either a SPEC or --from PICTURE: fvcli render spec.yaml -o run\n"
    assert asked == []


def test_an_engine_that_is_unknown_is_refused_with_those_that_are_known(
    tmp_path: Path, asked: list[tuple[Path, RenderOptions | None]]
) -> None:
    result = fvcli("render", write_spec(tmp_path), "-o", tmp_path / "run", "--engine", "loco")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        "Error: Invalid value for '--engine': 'loco' is not one of local, ray."
    )
    assert asked == []
    assert "--engine [local|ray]" in fvcli("render", "--help").stdout


def test_the_shell_completes_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fvcli.cli.engine_type._names", lambda: ["local", "lone", "ray"])

    def found(start: str) -> list[str]:
        return [item.value for item in EngineType().shell_complete(None, None, start)]  # type: ignore[arg-type]

    assert [found(start) for start in ("", "lo", "r", "x")] == [
        *(["local", "lone", "ray"], ["local", "lone"], ["ray"], [])
    ]


def test_a_picture_that_comes_out_differently_is_noted(tmp_path: Path, easel: PaintingEngine) -> None:
    """One of another key; with --set nobody expects the same picture."""
    assert fvcli("render", write_spec(tmp_path), "-o", tmp_path / "run", "--only", "*17").exit_code == 0
    same, old = tmp_path / "run/units/textures/channel-0017.png", tmp_path / "old.png"
    old.write_bytes(encode_picture(read_picture(same), "", {**picture_text(same), "key": "0" * 16}))
    outcomes = [
        fvcli("render", "--from", picture, "-o", tmp_path / f"again-{i}", *words)
        for i, (picture, words) in enumerate([(same, []), (old, []), (old, ["--set", "render.seed=3"])])
    ]
    assert [outcome.exit_code for outcome in outcomes] == [0, 0, 0]
    notes = [
        [line for line in outcome.stderr.splitlines() if line.startswith("Note")] for outcome in outcomes
    ]
    said = (
        f"Note: {old} was rendered with another model, another photo or an earlier algorithm: "
        "what comes out will differ from it"
    )
    assert notes == [[], [said], []]
    units = [sorted(path.name for path in tmp_path.glob(f"again-{i}/units/*/*.json")) for i in range(3)]
    assert units == [["channel-0017.json"]] * 3


def last_lines(*words: str | Path) -> tuple[str, str]:
    """Return the last line on standard output and the first on standard error."""
    done = fvcli("render", *words)
    assert done.exit_code == 0, done.stderr
    return done.stdout.splitlines()[-1], (done.stderr.splitlines() or [""])[0]


def test_the_last_line_says_what_the_command_did_and_how_far_the_run_is(
    tmp_path: Path, easel: PaintingEngine
) -> None:
    spec, run = write_spec(tmp_path), tmp_path / "run"
    loading = "loading efficientnet-lite0"
    words = (spec, "-o", run)
    first = last_lines(*words, "--only", "edges")
    assert first == (f"{run}: 5 done by this command, 5 of 7 in the run", loading)
    assert last_lines(*words) == (
        f"{run}: 2 done by this command, 7 of 7 in the run",
        f"{run}: 5 kept, 2 to render",
    )
    nothing = last_lines(*words, "--only", "edges")
    assert nothing == (f"{run}: nothing was left to render, 7 of 7 in the run", "")
    again = last_lines(*words, "--again", "--only", "edges/*3")
    assert again[0] == f"{run}: 1 done by this command, 7 of 7 in the run"
    assert last_lines(spec, "-o", tmp_path / "whole") == (f"{tmp_path}/whole: 7 done", loading)
    assert "5 kept, 2 to render" in (run / "logs/render.log").read_text()


def test_slices_in_one_folder_have_their_sheets_when_the_last_one_is_rendered(
    tmp_path: Path, easel: PaintingEngine
) -> None:
    words = ("render", write_spec(tmp_path), "-o", tmp_path / "run", "--shard")
    first = fvcli(*words, "1/2")
    assert first.stdout == f"{tmp_path}/run: 3 done by this command, 3 of 7 in the run\n"
    assert not (tmp_path / "run/index.html").exists()
    last = fvcli(*words, "2/2").stdout.splitlines()
    assert last[-2] == f"{tmp_path}/run/index.html"
    assert last[-1] == f"{tmp_path}/run: 4 done by this command, 7 of 7 in the run"
    assert (tmp_path / "run/grids/textures.png").exists()
