"""What a picture was computed with: CPUs as Linux tells them, ids, old runs, and what merging keeps."""

from __future__ import annotations

import json
import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fvcli.app.plan_spec import plan_of_spec
from fvcli.run import RunFolder, read_fingerprint, take_fingerprint, write_fingerprint
from fvcli.run.fingerprint import copy_fingerprints, cpu_facts
from fvcli.run.merge import merge_runs
from tests.helpers.painting import paint
from tests.helpers.running import write_spec

INTEL = """\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
cpu MHz\t\t: 2699.998
flags\t\t: fpu vme sse sse2 ssse3 fma sse4_1 avx f16c avx2 avx512f avx512dq avx512_bf16 avx512_vnni amx_tile
bogomips\t: 5399.99
power management:

processor\t: 1
model name\t: Another
flags\t\t: fpu
"""
AMD = """\
processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC 7B12
flags\t\t: fpu vme de sse4a fma avx avx2 sha_ni
TLB size\t: 3072 4K pages

"""
ARM = """\
processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd evtstrm aes atomics fphp asimdhp cpuid asimdrdm asimddp sve
CPU implementer\t: 0x41
CPU architecture: 8
CPU part\t: 0xd40

processor\t: 1
Features\t: fp
"""
MADE: dict[str, Any] = {
    "versions": {"python": "3.11.7", "tensorflow": "2.21.0"},
    "cpu": {"machine": "x86_64", "name": "AMD EPYC 7B12", "instructions": ["fma", "avx"]},
    "device": {"kind": "cpu", "name": "cpu", "onednn": True, "xla": ""},
}
ID = "0a2cf32279e3941b"


# ---- CPUs


@pytest.mark.parametrize(
    ("text", "name", "instructions"),
    [
        (
            INTEL,
            "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz",
            ["fma", "avx", "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile"],
        ),
        (AMD, "AMD EPYC 7B12", ["fma", "avx", "avx2"]),
        (ARM, "ARM 0x41 0xd40", ["asimd", "asimdhp", "asimddp", "sve"]),
        ("", "somebody's", []),
        ("nothing of the kind\n", "somebody's", []),
        ("flags\t:\nCPU part\t: 0xd40\n", "somebody's", []),
    ],
    ids=["intel", "amd", "arm", "nothing", "odd", "half"],
)
def test_the_first_cpu_is_told(
    monkeypatch: pytest.MonkeyPatch, text: str, name: str, instructions: list[str]
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "vax")
    monkeypatch.setattr(platform, "processor", lambda: "somebody's")
    assert cpu_facts(text) == {"machine": "vax", "name": name, "instructions": instructions}


def test_a_cpu_that_nobody_names_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert cpu_facts("")["name"] == "unknown"


def test_this_cpu_is_told_from_the_file_of_linux(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(AMD)
    monkeypatch.setattr("fvcli.run.fingerprint.CPU_INFO", tmp_path / "cpuinfo")
    assert cpu_facts()["name"] == "AMD EPYC 7B12"
    monkeypatch.setattr("fvcli.run.fingerprint.CPU_INFO", tmp_path / "none")
    assert cpu_facts()["instructions"] == []


def test_a_fingerprint_has_nothing_of_time_and_place() -> None:
    device = {"kind": "cpu", "name": "cpu"}
    found = take_fingerprint(device)
    assert found == {"versions": found["versions"], "cpu": cpu_facts(), "device": device}
    assert {"python", "fvcli", "tensorflow", "keras", "numpy"} <= found["versions"].keys()
    assert platform.node() not in json.dumps(found)


# ---- kept in a run


def test_the_id_is_the_hash_of_the_content(tmp_path: Path) -> None:
    """The first digits of what sha256sum says of its JSON with sorted keys and without blanks."""
    assert write_fingerprint(tmp_path, MADE) == ID
    assert write_fingerprint(tmp_path, dict(reversed(MADE.items()))) == ID
    assert [path.name for path in (tmp_path / "fingerprints").iterdir()] == [f"{ID}.json"]
    assert read_fingerprint(tmp_path, ID) == MADE
    assert write_fingerprint(tmp_path, MADE | {"device": {}}) != ID


def test_what_is_not_there_or_damaged_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"versions": {}, "device": "cpu"}))
    assert read_fingerprint(tmp_path, ID) is None  # and not what run.json says of another process
    (tmp_path / "fingerprints").mkdir()
    for text in ("{", "[]", "\udcff"):
        (tmp_path / f"fingerprints/{ID}.json").write_text(text, errors="surrogateescape")
        assert read_fingerprint(tmp_path, ID) is None


@pytest.mark.parametrize("name", [None, ""])
@pytest.mark.parametrize(
    ("run_json", "known"),
    [
        (
            {"versions": {"numpy": "1.26"}, "device": "gpu: A100", "platform": "Linux", "argv": ["fvcli"]},
            {"versions": {"numpy": "1.26"}, "device": {"name": "gpu: A100"}},
        ),
        ({"versions": {"numpy": "1.26"}}, {"versions": {"numpy": "1.26"}, "device": {}}),
        ({"merged_from": [{"versions": {"numpy": "1.26"}}]}, None),
        ({"versions": ["numpy"]}, None),
        ([], None),
        (None, None),
    ],
)
def test_of_an_old_run_its_run_json_is_asked(
    tmp_path: Path, name: str | None, run_json: Any, known: Any
) -> None:
    if run_json is not None:
        (tmp_path / "run.json").write_text(json.dumps(run_json))
    assert read_fingerprint(tmp_path, name) == known


def test_all_are_copied_and_what_is_there_stays(tmp_path: Path) -> None:
    ids = [write_fingerprint(tmp_path / "a", MADE | {"device": {"name": name}}) for name in "xyz"]
    (tmp_path / "some/fingerprints").mkdir(parents=True)
    (tmp_path / f"some/fingerprints/{ids[0]}.json").write_text("mine")
    copy_fingerprints(tmp_path / "a", tmp_path / "some")
    assert {path.stem for path in (tmp_path / "some/fingerprints").iterdir()} == set(ids)
    assert (tmp_path / f"some/fingerprints/{ids[0]}.json").read_text() == "mine"
    assert read_fingerprint(tmp_path / "some", ids[2]) == MADE | {"device": {"name": "z"}}
    copy_fingerprints(tmp_path / "nowhere", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_merging_keeps_what_each_picture_was_computed_with(tmp_path: Path) -> None:
    plan = plan_of_spec(str(write_spec(tmp_path)), ()).plan
    shards, ids = [tmp_path / "one", tmp_path / "two"], []
    for number, path in enumerate(shards):
        with RunFolder.begin(path, plan, "{}\n") as run:
            name = write_fingerprint(path, MADE | {"device": {"name": f"cpu {number}"}})
            ids.append(name)
            for unit in plan.units[number::2]:
                paint(run, unit)
                sidecar = run.sidecar(unit)
                assert sidecar is not None
                run.json(unit).write_text(replace(sidecar, fingerprint=name).to_json())
    with merge_runs(shards, tmp_path / "run") as merged:
        pass
    assert {path.stem for path in (tmp_path / "run/fingerprints").iterdir()} == set(ids)
    sidecars = [merged.sidecar(unit) for unit in plan.units]
    named = [sidecar.fingerprint for sidecar in sidecars if sidecar is not None]
    assert named == [ids[i % 2] for i in range(7)]
    devices = [(read_fingerprint(merged.path, name) or {})["device"]["name"] for name in named]
    assert devices[:3] == ["cpu 0", "cpu 1", "cpu 0"]
