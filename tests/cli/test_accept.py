"""`fvcli accept`: what becomes of a golden, file by file. Compared without networks."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import Result

from fvcli.errors import StoppedError
from fvcli.media import read_picture
from fvcli.run import RunFolder
from fvcli.run.lock import hold_alone
from tests.helpers.goldens import EDGES, ELSEWHERE, SPEC, TEXTURES, UNITS, Painted, noise, painted_run
from tests.helpers.running import fvcli

SMALLER = SPEC.replace("[3, 17]", "[3]")
DARKER = {path: Painted(pixels=noise(i) // 2, saved=5.0) for i, path in enumerate(UNITS)}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def accept(run: Path, golden: Path, *words: str, reason: str = "as it should be") -> Result:
    return fvcli("accept", run, "--golden", golden, "--reason", reason, "--no-model", *words)


def compare(golden: Path, run: Path, *words: str) -> Result:
    return fvcli("compare", golden, run, "--no-model", *words)


def history(golden: Path) -> list[dict]:
    return [json.loads(line) for line in (golden / "history.jsonl").read_text().split("\n") if line]


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    result = accept(painted_run(tmp_path, "first"), tmp_path / "golden")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{tmp_path}/golden: 8 accepted\n"
    return tmp_path / "golden"


def test_the_first_golden_has_what_was_rendered(golden: Path, tmp_path: Path) -> None:
    found = files(golden)
    units = {f"units/{path}.{end}" for path in UNITS for end in ("png", "json")}
    [fingerprint] = (name for name in found if name.startswith("fingerprints/"))
    assert found.keys() == units | {
        *("spec.yaml", "plan.json", "model.json", "golden.json", "manifest.sha256", "history.jsonl"),
        *(".gitattributes", fingerprint),
    }
    assert found["spec.yaml"].decode() == SPEC
    sidecar = json.loads(found[f"units/{EDGES[0]}.json"])
    assert sidecar.keys().isdisjoint({"seconds", "cpu_seconds", "batch", "attempt"})
    assert (sidecar["trace"], sidecar["score"]["saved"]) == ([1.0, 2.0, 3.0], 10.0)
    assert found[f"units/{EDGES[0]}.png"] == (tmp_path / f"first/units/{EDGES[0]}.png").read_bytes()
    [entry] = history(golden)
    assert (entry["version"], entry["why"], len(entry["units"])) == (1, "as it should be", 8)
    assert entry["units"][EDGES[0]]["from"] is None
    assert entry["units"][EDGES[0]]["to"]["pixels"] == sidecar["pixel_sha256"]
    assert json.loads(fvcli("status", golden, "--json").stdout)["done"] == 8  # it is a run, too
    assert fvcli("status", golden, "--check").exit_code == 0


def test_its_manifest_is_one_that_sha256sum_reads(golden: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "manifest.sha256"], cwd=golden, check=True)
    named = {line.partition("  ")[2] for line in (golden / "manifest.sha256").read_text().splitlines()}
    edited = {"golden.json", "history.jsonl", "manifest.sha256", ".gitattributes"}
    assert named == files(golden).keys() - edited


def test_two_people_who_accept_the_same_pictures_have_the_same_files(golden: Path, tmp_path: Path) -> None:
    again = (
        painted_run(tmp_path / "elsewhere", "another") if (tmp_path / "elsewhere").mkdir() is None else None
    )
    assert again is not None
    assert accept(again, tmp_path / "second", reason="another reason").exit_code == 0
    one, other = files(golden), files(tmp_path / "second")
    assert {name for name in one if one[name] != other[name]} == {"history.jsonl"}


def test_noise_rewrites_no_file(golden: Path, tmp_path: Path) -> None:
    pixels = noise(0)
    near = {EDGES[0]: Painted(pixels=pixels - (pixels > 200), saved=10.001)}
    run = painted_run(tmp_path, units=near, fingerprint=ELSEWHERE)
    before = files(golden)
    result = accept(run, golden)
    told = f"{golden}: nothing to accept; 8 units as they were, 1 of them close (--all takes them over)\n"
    assert (result.exit_code, result.stdout) == (0, told)
    assert files(golden) == before
    result = accept(run, golden, "--all")
    assert result.stdout == f"{golden}: 1 accepted, 7 as they were\n"
    after = files(golden)
    assert {name for name in after if after[name] != before.get(name)} == {
        *(f"units/{EDGES[0]}.png", f"units/{EDGES[0]}.json", "history.jsonl", "manifest.sha256"),
        *(name for name in after if name not in before),  # the other computer's fingerprint
    }
    assert len(after) == len(before) + 1


def test_only_what_changed_is_taken(golden: Path, tmp_path: Path) -> None:
    before = files(golden)
    run = painted_run(tmp_path, units={path: DARKER[path] for path in (EDGES[1], TEXTURES[0])})
    assert compare(golden, run).exit_code == 1
    result = accept(run, golden, "--only", "textures", reason="new textures")
    assert result.stdout == f"{golden}: 1 accepted, 7 as they were\n"
    after = files(golden)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {
        *(f"units/{TEXTURES[0]}.png", f"units/{TEXTURES[0]}.json", "history.jsonl", "manifest.sha256")
    }
    assert (read_picture(golden / f"units/{TEXTURES[0]}.png") == noise(6) // 2).all()
    assert [entry["why"] for entry in history(golden)] == ["as it should be", "new textures"]
    assert list(history(golden)[1]["units"]) == [TEXTURES[0]]
    result = compare(golden, run)
    assert result.exit_code == 1
    assert f"diff     {EDGES[1]}: " in result.stdout
    assert accept(run, golden).exit_code == 0
    assert compare(golden, run).exit_code == 0
    assert "pass: 8 match" in compare(golden, run).stdout


def test_another_spec_is_taken_over(golden: Path, tmp_path: Path) -> None:
    text = SMALLER.replace("channels: 0-5", "channels: 0-6, steps: 15")
    run = painted_run(tmp_path, text=text)
    result = compare(golden, run)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "fail: 7 match, 1 new, 1 missing"
    result = accept(run, golden)
    assert result.stdout == f"{golden}: 1 accepted, 1 removed, 7 as they were\n"
    assert not (golden / f"units/{TEXTURES[1]}.png").exists()
    assert compare(golden, run).stdout.splitlines()[-1] == "pass: 8 match"
    [_, entry] = history(golden)
    assert entry["units"][TEXTURES[1]]["to"] is None
    assert entry["units"]["edges/channel-0006"]["from"] is None


def test_settings_and_pictures_that_changed_together_are_taken_with_their_settings(
    golden: Path, tmp_path: Path
) -> None:
    run = painted_run(tmp_path, units={EDGES[0]: DARKER[EDGES[0]]}, sets=["jobs.edges.steps=15"])
    result = compare(golden, run)
    assert f"settings {EDGES[0]}: the spec changed; the picture is beyond the limits" in result.stdout
    assert "         steps: 16 -> 15" in result.stdout
    assert accept(run, golden).exit_code == 0
    assert compare(golden, run).stdout.splitlines()[-1] == "pass: 8 match"
    plan = json.loads((golden / "plan.json").read_text())
    by_path = {f"{unit['job']}/{unit['name']}": unit for unit in plan["units"]}
    steps = {path: plan["programs"][unit["program"]]["settings"]["steps"] for path, unit in by_path.items()}
    assert [steps[path] for path in (EDGES[0], EDGES[1], TEXTURES[0])] == [15, 16, 16]


def test_a_spec_that_changes_no_pixel_is_remarked_and_taken_with_all(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, sets=["jobs.textures.seed=4"])
    result = compare(golden, run)
    assert result.exit_code == 0
    said = "2 units: the spec changed, and the pixels did not (accept --all takes them over)"
    assert f"Note: {said}" in result.stderr.splitlines()
    assert accept(run, golden).stdout == f"{golden}: nothing to accept; 8 units as they were\n"
    assert accept(run, golden, "--all").stdout == f"{golden}: 2 accepted, 6 as they were\n"
    assert "the spec changed" not in compare(golden, run).stderr


def test_a_reason_may_be_any_bytes(tmp_path: Path) -> None:
    assert accept(painted_run(tmp_path), tmp_path / "golden", reason="br\udcfccke \u2028 x").exit_code == 0
    assert history(tmp_path / "golden")[0]["why"] == "br?cke \u2028 x"


# ---- refusals


@pytest.mark.parametrize(
    ("how", "words", "lines"),
    [
        ({"leave_out": [EDGES[2]]}, [], [f"{EDGES[2]} is not rendered"]),
        (
            {"units": {EDGES[1]: Painted(status="failed")}, "leave_out": [EDGES[2]]},
            [],
            [f"{EDGES[1]}: it failed: it broke", f"{EDGES[2]} is not rendered"],
        ),
        ({"leave_out": EDGES}, [], [*(f"{path} is not rendered" for path in EDGES[:5]), "and 1 more unit"]),
        (
            {},
            ["--only", "dogs"],
            ["--only dogs: no unit matches: units are named like edges/channel-0000, textures/channel-0003"],
        ),
        ({"leave_out": [EDGES[2]]}, ["--only", EDGES[2]], [f"{EDGES[2]} is not rendered"]),
    ],
)
def test_what_is_not_whole_is_refused(
    how: dict, words: list[str], lines: list[str], golden: Path, tmp_path: Path
) -> None:
    run = painted_run(tmp_path, **how)
    before = files(golden)
    result = accept(run, golden, *words)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[: len(lines)] == [f"Error: {line}" for line in lines]
    assert files(golden) == before
    assert accept(run, tmp_path / "new", *words).exit_code == 2
    assert not (tmp_path / "new").exists()


def test_a_part_of_a_run_that_is_not_whole_can_be_accepted(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, units=DARKER, leave_out=[EDGES[2]])
    assert accept(run, golden, "--only", "textures").stdout == f"{golden}: 2 accepted, 6 as they were\n"
    subset = tmp_path / "subset"
    assert accept(run, subset, "--only", "textures").stdout == f"{subset}: 2 accepted\n"
    assert compare(subset, run, "--common").exit_code == 0
    assert compare(subset, run).stdout.splitlines()[-1] == "fail: 2 match, 5 new"


def test_a_damaged_picture_is_not_accepted(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path)
    shutil.copy2(run / f"units/{EDGES[1]}.png", run / f"units/{EDGES[0]}.png")
    result = accept(run, tmp_path / "new")
    assert result.exit_code == 2
    assert (
        f"Error: {EDGES[0]}: the pixels of channel-0000.png are not those that were rendered" in result.stderr
    )


def test_what_is_no_golden_is_left_alone(tmp_path: Path) -> None:
    run = painted_run(tmp_path)
    other = painted_run(tmp_path, "other", units=DARKER)
    result = accept(run, other)
    assert (result.exit_code, "is a run, not a golden" in result.stderr) == (2, True)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/cat.jpg").write_bytes(b"x")
    assert accept(run, tmp_path / "photos").exit_code == 2
    assert accept(run, tmp_path / "new", reason="  ").exit_code == 2
    assert not (tmp_path / "new").exists()


def test_what_the_run_does_not_have_is_not_said_to_be_mended(golden: Path, tmp_path: Path) -> None:
    """Just those fingerprints are taken that were accepted, and only a spec that gives the golden."""
    [fingerprint] = (golden / "fingerprints").glob("*.json")
    whole = fingerprint.read_bytes()
    fingerprint.write_text("{}")
    (golden / "model.json").unlink()
    elsewhere = painted_run(tmp_path, "elsewhere", fingerprint=ELSEWHERE, text=SPEC.replace("16", "99"))
    result = accept(elsewhere, golden, "--only", "textures")
    assert result.exit_code == 0
    name = f"fingerprints/{fingerprint.name}"
    assert f"Note: {golden}/{name} is not as it was accepted" in result.stderr
    result = accept(painted_run(tmp_path, "other", fingerprint=ELSEWHERE), golden, "--only", EDGES[0])
    assert f"Note: {golden}/{name} is not as it was accepted: it was merged or edited" in result.stderr
    assert fingerprint.read_text() == "{}"
    assert f"Note: {golden}/{name} is not as it was accepted" in compare(golden, elsewhere).stderr
    result = accept(painted_run(tmp_path), golden, "--only", EDGES[0])
    assert f"Note: {golden}/{name} was written anew" in result.stderr
    assert fingerprint.read_bytes() == whole


def test_a_run_of_another_spec_mends_no_spec(golden: Path, tmp_path: Path) -> None:
    (golden / "model.json").unlink()
    spec = (golden / "spec.yaml").read_bytes()
    run = painted_run(tmp_path, text=SPEC.replace("channels: 0-5", "channels: 0-4"))
    result = accept(run, golden, "--only", "textures")
    assert result.stdout == f"{golden}: nothing to accept; 8 units as they were\n"
    assert (
        result.stderr == f"Note: {golden}/model.json is missing: accept a run of its spec to write it anew\n"
    )
    assert (golden / "spec.yaml").read_bytes() == spec
    assert not (golden / "model.json").exists()
    assert "model.json was written anew" in accept(painted_run(tmp_path, "same"), golden).stderr


def test_what_people_may_edit_stays(golden: Path, tmp_path: Path) -> None:
    """Calibrated limits, attributes of git, and the bytes of the spec and of the history."""
    limits = '{"version": 2, "tolerances": {"same": {"score": 0.5}}}'
    (golden / "golden.json").write_text(limits)
    (golden / ".gitattributes").write_text("*.png filter=lfs\n")
    lines = (golden / "history.jsonl").read_bytes().replace(b"as it should be", "größer".encode())
    (golden / "history.jsonl").write_bytes(lines)
    text = SPEC.replace("model:", "# größer\r\nmodel:")
    run = painted_run(tmp_path, units=DARKER, text=text)
    (run / "spec.yaml").write_bytes(text.encode())
    assert accept(run, golden).exit_code == 0
    assert (golden / "golden.json").read_text() == limits
    assert (golden / ".gitattributes").read_text() == "*.png filter=lfs\n"
    assert (golden / "history.jsonl").read_bytes().startswith(lines)
    assert (golden / "spec.yaml").read_bytes() == text.encode()


# ---- the spec of a golden


def test_what_was_set_on_the_command_line_is_written_into_the_golden_s_spec(tmp_path: Path) -> None:
    """So that rendering it gives what was accepted."""
    run = painted_run(tmp_path, sets=["render.seed=7", "jobs[0].channels=[0, 1]"])
    assert accept(run, tmp_path / "golden").exit_code == 0
    text = (tmp_path / "golden/spec.yaml").read_text()
    assert "--set" not in text
    again = painted_run(tmp_path, "again", text=text)
    assert [unit.key for unit in RunFolder.read(again).plan.units] == [
        unit.key for unit in RunFolder.read(run).plan.units
    ]
    assert compare(tmp_path / "golden", again).stdout.endswith("pass: 4 match\n")


def test_units_that_the_golden_s_spec_renders_otherwise_are_told(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, units=DARKER, text=SPEC.replace("steps: 16", "steps: 32"))
    result = accept(run, golden, "--only", "textures")
    assert result.stdout == f"{golden}: 2 accepted, 6 as they were\n"
    assert result.stderr == (
        f"Note: 6 units of the golden are not of {golden}/spec.yaml, which the run was rendered with: "
        "render them with their own\n"
    )
    assert accept(run, golden).stderr == ""


# ---- two at once, and one that dies


def test_two_who_accept_at_once(golden: Path, tmp_path: Path) -> None:
    run = painted_run(tmp_path, units=DARKER)
    before = files(golden)
    with hold_alone(golden, "accepting into"):
        result = accept(run, golden)
    said = f"Error: {golden}: another fvcli is accepting into this folder: wait for it\n"
    assert (result.exit_code, result.stderr) == (2, said)
    assert files(golden) == before
    assert accept(run, golden).exit_code == 0


def test_an_acceptance_that_was_cut_off_is_finished_by_the_next(
    golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = painted_run(tmp_path, units=DARKER)
    replace, put = Path.replace, []

    def dying(path: Path, target: Path) -> Path:
        if ".accepting/files" in str(path) and ".accepting" not in str(target):
            put.append(target)
            if len(put) == 5:
                raise StoppedError("stopped by SIGTERM", "to go on: fvcli accept")
        return replace(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", dying)
        assert accept(run, golden, reason="darker").exit_code == 75
    result = compare(golden, run)
    assert (result.exit_code, "an acceptance was cut off half way" in result.stderr) == (2, True)
    result = accept(run, golden, reason="again")
    assert result.exit_code == 0
    assert "Note: finished an acceptance that was cut off: 8 units by " in result.stderr
    assert result.stderr.endswith(": darker\n")
    assert compare(golden, run).stdout.endswith("pass: 8 match\n")
    assert [(one["why"], len(one["units"])) for one in history(golden)] == [
        ("as it should be", 8),
        ("darker", 8),
    ]
    steps = history(golden)[1]["units"].values()
    assert all(step["from"]["pixels"] != step["to"]["pixels"] for step in steps)


# ---- damaged goldens


def test_a_damaged_golden_is_told_file_by_file_and_mended_by_accepting(golden: Path, tmp_path: Path) -> None:
    units = golden / "units"
    (units / f"{EDGES[0]}.json").unlink()
    (units / f"{EDGES[1]}.png").write_bytes((units / f"{EDGES[1]}.png").read_bytes()[:300])
    text = (units / f"{EDGES[2]}.json").read_text()
    (units / f"{EDGES[2]}.json").write_text(text.replace('"saved": 10.0', '"saved": 11.0'))
    (units / f"{EDGES[3]}.json").write_text("{}")
    (units / f"{EDGES[4]}.json").write_text(text.replace('"schema_version": 4', '"schema_version": 9'))
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 34\n"
    (units / f"{EDGES[5]}.png").write_text(pointer)
    shutil.copy2(units / f"{EDGES[2]}.png", units / f"{TEXTURES[0]}.png")
    run = painted_run(tmp_path)
    result = compare(golden, run)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:-2] == [
        f"error    {EDGES[0]}: golden: channel-0000.json is missing",
        f"error    {EDGES[1]}: golden: channel-0001.png is damaged",
        f"error    {EDGES[2]}: golden: channel-0002.json was changed after it was accepted",
        f"error    {EDGES[3]}: golden: channel-0003.json cannot be read",
        f"error    {EDGES[4]}: golden: channel-0004.json was written by a newer fvcli "
        "(sidecar version 9, this one reads 4)",
        f"error    {EDGES[5]}: golden: channel-0005.png is a pointer of git-lfs, not a picture "
        "(run: git lfs pull)",
        f"error    {TEXTURES[0]}: golden: the pixels of channel-0003.png are not those that were rendered",
    ]
    assert result.stdout.splitlines()[-1] == "fail: 1 match, 7 error"
    assert "merged or edited" not in result.stderr
    assert accept(run, golden, reason="mended").exit_code == 0
    assert compare(golden, run).stdout.splitlines()[-1] == "pass: 8 match"


def test_its_other_files_are_looked_at_and_written_anew(golden: Path, tmp_path: Path) -> None:
    whole = files(golden)
    run = painted_run(tmp_path)
    (golden / "spec.yaml").unlink()
    (golden / "history.jsonl").unlink()
    with (golden / "model.json").open("a") as file:
        file.write(" ")
    with (golden / "manifest.sha256").open("a") as file:  # as a merge leaves it
        file.write(f"{'0' * 64}  units/{EDGES[0]}.png\n")
    result = compare(golden, run)
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        f"Note: {golden}/spec.yaml is missing: accept a run of its spec to write it anew",
        f"Note: {golden}/history.jsonl is missing: accept a run of its spec to write it anew",
        f"Note: {golden}/model.json is not as it was accepted: it was merged or edited",
    ]
    result = accept(run, golden)
    assert result.stdout == f"{golden}: nothing to accept; 8 units as they were\n"
    assert result.stderr.splitlines() == [
        f"Note: {golden}/{name} was written anew" for name in ("spec.yaml", "history.jsonl", "model.json")
    ]
    assert compare(golden, run).stderr == ""
    assert files(golden) == {**whole, "history.jsonl": b""}


@pytest.mark.parametrize("name", ["plan.json", "golden.json", "manifest.sha256"])
def test_a_golden_without_one_of_its_files_is_no_run(golden: Path, tmp_path: Path, name: str) -> None:
    (golden / name).unlink()
    run = painted_run(tmp_path)
    before = files(golden)
    said = f"Error: {golden}: {name} of this golden is missing: take it from an earlier commit\n"
    for result in (compare(golden, run), accept(run, golden)):
        assert (result.exit_code, result.stderr) == (2, said)
    assert files(golden) == before


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("plan.json", "{", "not a readable plan"),
        ("plan.json", "<<<<<<< HEAD\n{}", "git could not merge it"),
        ("golden.json", "[]", "not a readable golden"),
        ("golden.json", '{"version": 3}', "written by a newer fvcli (version 3, this one reads 2)"),
        ("golden.json", "<<<<<<< HEAD\n{}", "git could not merge it"),
        ("history.jsonl", "<<<<<<< HEAD\n", "history.jsonl:1: not a line of a history"),
        ("history.jsonl", '{"version": 3}\n', "history.jsonl:1: written by a newer fvcli"),
    ],
)
def test_a_golden_that_cannot_be_read_at_all_is_one_error(
    file: str, text: str, said: str, golden: Path, tmp_path: Path
) -> None:
    (golden / file).write_text(text)
    before = files(golden)
    run = painted_run(tmp_path)
    for result in (compare(golden, run), accept(run, golden)):
        assert result.exit_code == 2
        assert result.stderr.startswith(f"Error: {golden}/{file}")
        assert said in result.stderr
        assert "Traceback" not in result.stderr
    assert files(golden) == before


def test_a_golden_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    result = compare(tmp_path / "none", painted_run(tmp_path))
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: {tmp_path}/none: there is no golden here: make one: "
        f"fvcli accept RUN --golden {tmp_path}/none --reason TEXT\n"
    )


def test_an_edited_plan_is_remarked(golden: Path, tmp_path: Path) -> None:
    place = golden / "plan.json"
    place.write_text(json.dumps(json.loads(place.read_text())))
    result = compare(golden, painted_run(tmp_path))
    assert result.exit_code == 0
    assert f"Note: {place} is not as it was accepted: it was merged or edited" in result.stderr


def test_a_group_of_the_golden_is_taken_over_whole(tmp_path: Path) -> None:
    """Of three pictures that were optimised together the run has two: none of the old ones can stay."""
    text = SPEC[: SPEC.index("  - ")] + (
        "  - {name: facets, layer: stem_bn, channels: [7, 8], diversity: {count: 3}}\n"
    )
    golden = tmp_path / "golden"
    assert accept(painted_run(tmp_path, "three", text=text), golden).exit_code == 0
    first = {"facets/channel-0007-d1": Painted(pixels=noise(99))}
    two = painted_run(tmp_path, "two", first, text=text.replace("count: 3", "count: 2"))
    result = accept(two, golden, "--only", "facets/channel-0007-d1")
    assert result.exit_code == 0, result.stderr
    stems = {f"facets/channel-0007-d{i}" for i in (1, 2)} | {f"facets/channel-0008-d{i}" for i in (1, 2, 3)}
    assert {f"{path.parent.name}/{path.stem}" for path in golden.glob("units/*/*.png")} == stems
    plan = RunFolder.read(golden).plan
    assert [unit.path for unit in plan.units] == sorted(stems)
    assert {len(plan.group_of(unit)) for unit in plan.units if "0007" in unit.name} == {2}
    [_, entry] = history(golden)
    assert {path[-2:]: step["to"] is None for path, step in entry["units"].items()} == {
        **{"d1": False, "d2": False, "d3": True}
    }
    assert compare(golden, two, "--only", "*0007*").exit_code == 0


def test_others_of_a_group_have_to_be_whole_too(tmp_path: Path) -> None:
    text = SPEC[: SPEC.index("  - ")] + (
        "  - {name: facets, layer: stem_bn, channels: [7], diversity: {count: 2}}\n"
    )
    first = {"facets/channel-0007-d1": Painted(pixels=noise(99))}
    run = painted_run(tmp_path, units=first, text=text, leave_out=["facets/channel-0007-d2"])
    result = accept(run, tmp_path / "golden", "--only", "facets/channel-0007-d1")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: facets/channel-0007-d2 is not rendered\n")
    assert not (tmp_path / "golden").exists()


def test_what_only_the_history_has_is_taken_again(golden: Path, tmp_path: Path) -> None:
    """As after a merge that kept the other side's pictures, and the lines of both."""
    before = files(golden)
    run = painted_run(tmp_path, units=DARKER)
    assert accept(run, golden).exit_code == 0
    for name in before.keys() - {"history.jsonl"}:
        (golden / name).write_bytes(before[name])
    assert compare(golden, run).stdout.endswith("pass: 8 match\n")
    assert accept(run, golden).stdout == f"{golden}: 8 accepted\n"


def test_files_that_the_golden_does_not_need_go(golden: Path, tmp_path: Path) -> None:
    (golden / "sources").mkdir()
    (golden / "sources/cup.png").touch()
    (golden / "units/edges/channel-0009.png").touch()
    assert accept(painted_run(tmp_path, units=DARKER), golden).exit_code == 0
    assert not (golden / "sources/cup.png").exists()
    assert not (golden / "units/edges/channel-0009.png").exists()


def test_a_history_that_was_edited_goes_on_in_a_line_of_its_own(golden: Path, tmp_path: Path) -> None:
    """Some editors leave no line feed at the end."""
    place = golden / "history.jsonl"
    place.write_text(place.read_text().rstrip("\n"))
    run = painted_run(tmp_path, "run", {EDGES[1]: DARKER[EDGES[1]]})
    result = accept(run, golden, "--only", EDGES[1])
    assert result.exit_code == 0, result.stderr
    assert [list(entry["units"]) for entry in history(golden)] == [UNITS, [EDGES[1]]]
