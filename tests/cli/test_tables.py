"""What commands print, line by line."""

from __future__ import annotations

import json
import re
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fvcli.app.speed_table import read_speed, speed_path, write_speed
from fvcli.cli.plan import _memory
from fvcli.cli.table import print_table, spoken
from fvcli.errors import counted, size_in_words
from fvcli.plan.cost import Point, Speed
from fvcli.plan.memory import Memory, Most
from tests.helpers.painting import PaintingEngine
from tests.helpers.running import fvcli, write_spec


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def machine(**other: object) -> Speed:
    points = tuple(
        Point(
            layer=f"layer{i}",
            size_px=64 * i,
            multiplications=1_250_000 * i * i,
            pixels=4096 * i * i,
            layers=3 * i,
            changes_size=i == 2,
            step_seconds=0.012346 * i,
            compile_seconds=1.26 * i,
        )
        for i in (1, 2, 3)
    )
    about = {"host": socket.gethostname(), "device": "cpu", "model": "efficientnet-lite0", "lanes": 2}
    facts = {**about, "whole_batches": False, "start_seconds": 4.0, "points": points, **other}
    return Speed.model_validate(facts)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.97, "10 s"),
        (10, "10 s"),
        (89.4, "89 s"),
        (90, "1.5 min"),
        (600, "10 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (36000, "10 h"),
    ],
)
def test_times_are_said_in_the_unit_that_people_would_use(seconds: float, said: str) -> None:
    assert spoken(seconds) == said


def test_words_agree_with_their_number() -> None:
    assert size_in_words((224, 224), " px") == "224 x 224 px"
    assert size_in_words((667, 1001), " px") == "667 x 1001 px (height x width)"
    assert size_in_words((8, 8, 3)) == "8 x 8 x 3"
    assert size_in_words((8, 6, 3)) == "8 x 6 x 3 (height x width x channels)"
    assert size_in_words(()) == ""
    assert [counted(n, "unit", "units") for n in (0, 1, 2)] == ["0 units", "1 unit", "2 units"]
    assert [counted(n, "unit") for n in (0, 1, 2)] == ["0 units", "1 unit", "2 units"]
    assert counted(2, "batch", "batches") == "2 batches"


def test_columns_are_as_wide_as_they_need_to_be_and_numbers_stand_to_the_right(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(("a", "count", "mixed", "b"), [("long", 7, 1, ""), ("x", 1234567, "x", "")])
    print_table(("a", "b"), [])
    assert capsys.readouterr() == (
        "a       count  mixed  b\nlong        7  1\nx     1234567  x\na  b\n",
        "",
    )


def test_a_plan_is_a_line_a_job_and_three_below(tmp_path: Path) -> None:
    text = """\
model: efficientnet-lite0
render: {size_px: [48, 64], steps: 24, batch_size: 2}
jobs:
  - {name: edges, layer: stem_bn, channels: 0-4, sign: negative}
  - {name: one, layer: block1_expand_bn, channels: 3, recipe: lucid, steps: 7}
"""
    result = fvcli("plan", write_spec(tmp_path, text))
    assert result.stderr == ""
    *table, empty, counts, memory, time = result.stdout.splitlines()
    assert table == [
        "job    units  layer             objective           recipe   height x width  steps  batch",
        "edges      5  stem_bn           channel (negative)  default  48x64              24      2",
        "one        1  block1_expand_bn  channel             lucid    48x64               7      2",
    ]
    assert empty == ""
    several = [
        "jobs.edges.layer=[stem_bn, block1_expand_bn]",
        "jobs.one.variants=[{name: a, steps: 8}, {name: b}]",
    ]
    words = [word for one in several for word in ("--set", one)]
    assert fvcli("plan", write_spec(tmp_path, text), *words).stdout.splitlines()[1:3] == [
        "edges     10  stem_bn, block1_expand_bn  channel (negative)  default  48x64           24         2",
        "one        2  block1_expand_bn           channel             lucid    48x64           8, 7       2",
    ]
    assert counts == "6 units in 4 batches"
    most = r"memory: at most about 0\.[78]\d GB on a CPU while the network is loaded, then "
    parts = r"0\.[67]\d GB for the process and 0\.0\d+ GB for (the picture|each of \d+ pictures at once) "
    assert re.fullmatch(most + parts + r"\(--threads \d+\)", memory)
    assert time == "time: unknown; measure this machine once with: fvcli calibrate"
    single = fvcli("plan", write_spec(tmp_path, text), "--set", "jobs.edges.channels=0")
    assert "\n2 units in 2 batches\n" in single.stdout
    write_speed(speed_path(), machine())
    header, first, second, *_, total = fvcli("plan", write_spec(tmp_path, text)).stdout.splitlines()
    assert header.split()[-1] == "time"
    assert first.split()[-1] == second.split()[-1] == "s"
    assert total.startswith("time: at most about ")
    assert total.endswith(f" s on cpu, measured by fvcli calibrate on {socket.gethostname()}")
    facts = json.loads(fvcli("plan", write_spec(tmp_path, text), "--json").stdout)
    assert facts["totals"].keys() == {
        *("units", "batches", "memory_bytes", "picture_bytes", "gpu_memory_bytes")
    }
    assert (facts["totals"]["units"], facts["totals"]["batches"]) == (6, 4)
    time_facts = facts["time"]
    assert time_facts["start_seconds"] == 4.0
    assert list(time_facts["job_seconds"]) == ["edges", "one"]
    assert time_facts["seconds"] == pytest.approx(4.0 + sum(time_facts["job_seconds"].values()), abs=0.02)
    assert (time_facts["device"], time_facts["host"]) == ("cpu", socket.gethostname())


def test_the_memory_of_a_gpu_is_told_where_one_is_here_or_the_spec_is_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("plan", write_spec(tmp_path), "--set", "render.batch_size=null")
    on_gpu = " GB of a GPU, for up to 256 pictures at once\n"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "GPU" not in fvcli(*words).stdout
    assert on_gpu in fvcli(*words, "--set", "jobs.edges.memory_gb=0.4").stdout
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert on_gpu in fvcli(*words).stdout


@pytest.mark.parametrize(("members", "lanes"), [(1, 1), (1, 2), (4, 1), (4, 3)])
def test_the_parts_of_the_memory_add_up(members: int, lanes: int) -> None:
    memory = Memory(700_000_000, 800_000_000, 50_000_000, 240_000_000)
    program = SimpleNamespace(members=members)
    said = _memory(Most(memory.most_bytes(lanes), memory, program), lanes)  # type: ignore[arg-type]
    what = "picture" if members == 1 else "group of 4"
    many = {(1, 2): "2 pictures", (4, 3): "3 groups of 4"}
    each = f"the {what}" if lanes == 1 else f"each of {many[members, lanes]} at once"
    assert said == (
        f"memory: at most about {0.85 + lanes * 0.24:.2f} GB on a CPU: "
        f"0.85 GB for the process and 0.24 GB for {each} (--threads {lanes})"
    )


# ---- layers and models


def test_a_size_may_be_as_small_as_the_network_allows() -> None:
    result = fvcli("layers", "efficientnet-lite0", "--size", "32")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[1].split()[:3] == ["stem_conv", "conv", "16x16x32"]
    refused = fvcli("layers", "efficientnet-lite0", "--size", "31")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == "Error: --size 31 is too small for efficientnet-lite0: it needs at least 32\n"


def test_layers_are_lines_with_all_that_newcomers_ask() -> None:
    lines = fvcli("layers", "efficientnet-lite0").stdout.splitlines()
    found = {line.split()[0]: line for line in lines}
    cells = {
        name: [cell.strip() for cell in line.split("  ") if cell.strip()] for name, line in found.items()
    }
    assert cells["layer"] == ["layer", "kind", "shape", "receptive field", "stride", "offset", "made from"]
    assert cells["stem_conv"] == ["stem_conv", "conv", "112x112x32", "3 px", "2 px", "0", "input"]
    assert cells["stem"][5:] == ["0", "stem_bn", "activation"]
    assert cells["block0_dw_bn"][3:] == ["7 px", "2 px", "-2", "block0_dw_conv", "pre-activation"]
    assert cells["block4_add"][6:] == ["block4_project_bn, block3_project_bn", "residual sum"]
    assert cells["logits"] == ["logits", "dense", "1x1x1000", "whole image", "-", "-", "pool", "class logits"]


def test_layers_of_a_network_with_branches_and_other_names() -> None:
    result = fvcli("layers", "inceptionv1")
    assert result.exit_code == 0, result.stderr
    found = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert " 0-63" in found["mixed3a"]
    assert found["conv2d0"].endswith("  activation (also: conv1/7x7_s2, ...)")
    assert found["maxpool0"].endswith("  (also: pool1/3x3_s2)")
    layers = {one["name"]: one for one in json.loads(fvcli("layers", "inceptionv1", "--json").stdout)}
    spans = list(layers["mixed3a"]["branches"].values())
    assert spans == [[0, 64], [64, 192], [192, 224], [224, 256]]


def test_inspect_shows_on_one_page_what_a_model_is(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = SimpleNamespace(parameters=4694024, sanity_lines=lambda: ["first line", "second line"])
    set_up: list[str] = []
    device = SimpleNamespace(set_up_device=lambda: set_up.append("device"))
    monkeypatch.setitem(sys.modules, "fvcli.worker.device", device)
    monkeypatch.setattr("fvcli.models.load", lambda choice, allow_code: loaded)
    result = fvcli("inspect", "efficientnet-lite0")
    assert result.exit_code == 0, result.stderr
    assert set_up == ["device"]
    lines = result.stdout.splitlines()
    assert lines == [
        "model          efficientnet-lite0",
        "weights        imagenet (SHA-256 579344248a93e230...)",
        "input          224 x 224 px, 3 channels",
        "preprocessing  RGB, from -1 to 1",
        "parameters     4,694,024",
        "classes        1000 classes, logits: logits",
        "sanity         first line",
        "sanity         second line",
        "",
        "for an atlas:",
        "layer              channels  shows     why                        work per step  of network",
        "block2_expand_bn        144  edges     before relu6, sees 11 px   61 M           16%",
        "block4_expand_bn        240  textures  before relu6, sees 35 px   102 M          26%",
        "block6_expand_bn        480  patterns  before relu6, sees 83 px   133 M          35%",
        "block9_expand_bn        672  parts     before relu6, sees 211 px  192 M          50%",
        "block12_expand_bn      1152  objects   before relu6, sees 403 px  276 M          72%",
        "head_bn                1280  objects   before relu6, sees 851 px  384 M          100%",
        "work per step: multiplications of one picture; of network: their share of the whole network's",
        "time: unknown; measure this machine once with: fvcli calibrate",
        "",
        "to paste into a spec:",
        "jobs:",
        "  - {name: block2_expand_bn-edges, layer: block2_expand_bn, channels: {every: 18}}",
        "  - {name: block4_expand_bn-textures, layer: block4_expand_bn, channels: {every: 30}}",
        "  - {name: block6_expand_bn-patterns, layer: block6_expand_bn, channels: {every: 60}}",
        "  - {name: block9_expand_bn-parts, layer: block9_expand_bn, channels: {every: 84}}",
        "  - {name: block12_expand_bn-objects, layer: block12_expand_bn, channels: {every: 144}}",
        "  - {name: head_bn-objects, layer: head_bn, channels: {every: 160}}",
        "",
        "all 142 layers: fvcli layers efficientnet-lite0",
    ]
    page = json.loads(fvcli("inspect", "efficientnet-lite0", "--json").stdout)
    listed = json.loads(fvcli("layers", "efficientnet-lite0", "--json").stdout)
    assert page.pop("layers") == listed
    assert page.pop("weights_sha256").startswith("579344248a93e230")
    assert page.pop("suggested")[0] == {
        "layer": "block2_expand_bn",
        "units": 144,
        "shows": "edges",
        "reason": "before relu6, sees 11 px",
        "multiplications": 60913664,
        "every": 18,
    }
    assert page == {
        "model": "efficientnet-lite0",
        "weights": "imagenet",
        "input_px": [224, 224],
        "input_channels": 3,
        "preprocessing": {"zero": [-1.0], "one": [1.0], "channel_order": "RGB"},
        "parameters": 4694024,
        "classes": 1000,
        "logits": "logits",
        "sanity": ["first line", "second line"],
        "findings": [],
        "notes": [],
    }
    write_speed(speed_path(), machine())
    head, *timed = fvcli("inspect", "efficientnet-lite0").stdout.splitlines()[10:18]
    assert head.endswith("  time of the job below  of all channels")
    for line, channels in zip(timed[:6], (144, 240, 480, 672, 1152, 1280), strict=True):
        job, every = (seconds(text) for text in re.findall(r"[\d.]+ (?:s|min|h)\b", line))
        assert job * channels / 8 == pytest.approx(every, rel=0.1)


def seconds(text: str) -> float:
    number, unit = text.split()
    return float(number) * {"s": 1, "min": 60, "h": 3600}[unit]


def test_models_are_lines(tmp_path: Path) -> None:
    lines = fvcli("models").stdout.splitlines()
    assert lines[0].split() == ["model", "size_px", "takes", "weights", "installed"]
    assert lines[1].split() == ["efficientnet-lite0", "224", "RGB,", "from", "-1", "to", "1", "yes"]
    google = next(line for line in lines if line.startswith("inceptionv1 "))
    assert google.endswith("no: give Lucid's .pb, Caffe's .caffemodel or torchvision's .pth as weights")


def test_init_says_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written = fvcli("init")
    next_ = "fvcli plan fvcli.yaml, fvcli render fvcli.yaml -o run"
    assert written.stdout == f"fvcli.yaml is written; next: {next_}\n"
    assert fvcli("init", "google.yaml", "--model", "inceptionv1").exit_code == 0
    assert (
        "  - {name: mixed4a_pre_relu-parts, layer: mixed4a_pre_relu, channels: {every: 64}}\n"
        in Path("google.yaml").read_text()
    )
    refused = fvcli("init", "-", "--model", "google.yaml").stderr
    assert (
        refused == "Error: --model google.yaml: a spec, not a model: give the name or the file of a model\n"
    )
    assert fvcli("init").stderr == "Error: fvcli.yaml is there already: give another name\n"
    nowhere = fvcli("init", "no/where.yaml")
    assert nowhere.exit_code == 2
    assert nowhere.stderr == (
        "Error: no/where.yaml cannot be written: No such file or directory: give another place\n"
    )


@pytest.mark.parametrize("kind", ["CPU", "GPU"])
def test_info_tells_versions_devices_and_weights(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    devices = [{"kind": "CPU", "name": "a processor"}, {"kind": kind, "name": "another"}]
    device = SimpleNamespace(device_facts=lambda: {"devices": devices})
    monkeypatch.setitem(sys.modules, "fvcli.worker.device", device)
    monkeypatch.setattr("fvcli.run.versions", lambda: {"fvcli": "1.2", "python": "3.4"})
    monkeypatch.setattr("fvcli.models.weights_in_use", lambda: {"here": "/a/place", "there": None})
    monkeypatch.setattr("platform.platform", lambda: "Some OS")
    monkeypatch.setattr("os.cpu_count", lambda: 5)
    gpu = [] if kind == "GPU" else ["gpu          none (to use one: pip install 'fvcli[gpu]')"]
    assert fvcli("info").stdout.splitlines() == [
        "fvcli        1.2",
        "python       3.4",
        "platform     Some OS, 5 CPUs",
        "device       a processor",
        "device       another",
        *gpu,
        "weights      here: /a/place",
        "weights      there: not installed",
    ]
    assert json.loads(fvcli("info", "--json").stdout) == {
        "versions": {"fvcli": "1.2", "python": "3.4"},
        "platform": "Some OS",
        "cpus": 5,
        "devices": devices,
        "weights": {"here": "/a/place", "there": None},
    }


# ---- runs


def test_a_render_says_its_sheets_its_counts_and_what_failed(tmp_path: Path, easel: PaintingEngine) -> None:
    easel.statuses = {"edges/channel-0001": "failed", "textures/channel-0017": "dead"}
    run, spec = tmp_path / "run", write_spec(tmp_path)
    result = fvcli("render", spec, "-o", run)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{run}/grids/edges.png",
        f"{run}/grids/textures.png",
        f"{run}/index.html",
        f"{run}: 5 done, 1 failed, 1 dead",
    ]
    assert result.stderr.splitlines()[5:] == ["Error: edges/channel-0001 failed: it broke"]
    easel.statuses = {}
    again = fvcli("render", spec, "-o", run)
    assert (again.exit_code, again.stdout.splitlines()[-1]) == (
        0,
        f"{run}: 1 done by this command, 7 of 7 in the run",
    )
    files = [f"{run}/grids/edges.png", f"{run}/grids/textures.png", f"{run}/index.html"]
    assert fvcli("grid", run).stdout.splitlines() == files
    whole = fvcli("status", run)
    assert whole.exit_code == 0
    assert whole.stdout.splitlines() == [
        "job       done  dead  failed  running  lost  pending",
        "edges        5     0       0        0     0        0",
        "textures     1     1       0        0     0        0",
        "total        6     1       0        0     0        0",
        "textures/channel-0017 is dead: it never fired",
    ]
    slice_ = fvcli("render", spec, "-o", tmp_path / "none", "--shard", "5/5")
    assert (slice_.exit_code, slice_.stdout) == (
        0,
        f"{tmp_path}/none: no units in this slice, 0 of 7 in the run\n",
    )


def test_a_run_of_one_job_has_no_total(tmp_path: Path, easel: PaintingEngine) -> None:
    run, spec = tmp_path / "run", write_spec(tmp_path)
    assert fvcli("render", spec, "-o", run, "--only", "edges").exit_code == 0
    assert fvcli("grid", run).stdout.splitlines() == [f"{run}/grids/edges.png", f"{run}/index.html"]
    text = spec.read_text().replace("  - {name: textures, layer: block1_expand_bn, channels: [3, 17]}\n", "")
    one = write_spec(tmp_path, text, "one.yaml")
    assert fvcli("render", one, "-o", tmp_path / "single").exit_code == 0
    assert fvcli("status", tmp_path / "single").stdout.splitlines() == [
        "job    done  dead  failed  running  lost  pending",
        "edges     5     0       0        0     0        0",
    ]


def test_a_merge_says_its_sheets_and_counts_and_fails_if_a_unit_failed(
    tmp_path: Path, easel: PaintingEngine
) -> None:
    spec, run = write_spec(tmp_path), tmp_path / "run"
    easel.statuses = {"edges/channel-0001": "failed"}
    parts = [tmp_path / f"part{i}" for i in (1, 2)]
    codes = [fvcli("render", spec, "-o", parts[i], "--shard", f"{i + 1}/2").exit_code for i in (0, 1)]
    assert sorted(codes) == [0, 1]
    merged = fvcli("merge", *parts, "-o", run)
    assert merged.exit_code == 1
    assert merged.stdout.splitlines() == [
        f"{run}/grids/edges.png",
        f"{run}/grids/textures.png",
        f"{run}/index.html",
        f"{run}: 6 done, 1 failed",
    ]
    whole = [part for part, code in zip(parts, codes, strict=True) if code == 0]
    assert fvcli("merge", *whole, "-o", tmp_path / "half").exit_code == 1


# ---- calibration


@pytest.mark.parametrize(("whole", "lanes"), [(False, "2 pictures"), (True, "whole batches")])
def test_calibrate_shows_and_keeps_what_was_measured(
    whole: bool, lanes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, bool]] = []

    def measured(model: str, quick: bool, say: object) -> Speed:
        heard.append((model, quick))
        return machine(host="here", whole_batches=whole, start_seconds=4.26)

    monkeypatch.setattr("fvcli.app.calibrate_machine.calibrate_machine", measured)
    shown = fvcli("calibrate")
    assert shown.stdout.splitlines() == [
        "layer   size_px  views             layers  multiplications  ms a step  compile s",
        "layer1       64  of one size            3  1.2 M                12.35        1.3",
        "layer2      128  of changing size       6  5.0 M                24.69        2.5",
        "layer3      192  of one size            9  11.2 M               37.04        3.8",
        "",
        f"here, cpu, {lanes} at a time; 4.3 s once for the start",
        f"{speed_path()} is written; next: fvcli plan SPEC",
    ]
    assert read_speed(speed_path(), "here") == measured("", False, None)
    speed_path().unlink()
    as_json = fvcli("calibrate", "vgg16", "--quick", "--json")
    assert Speed.model_validate_json(as_json.stdout) == read_speed(speed_path(), "here")
    assert heard[0] == ("efficientnet-lite0", False)
    assert heard[-1] == ("vgg16", True)


def test_init_writes_an_atlas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written = fvcli("init", "atlas.yaml", "--atlas", "efficientnet-lite0")
    assert written.stdout.startswith("atlas.yaml is written; next: fvcli plan atlas.yaml, ")
    config = Path(__file__).parents[2] / "configs" / "atlas" / "efficientnet-lite0.yaml"
    assert Path("atlas.yaml").read_text() == config.read_text()
    assert "#   time: unknown; measure this machine once with: fvcli calibrate" in config.read_text()
    refused = fvcli("init", "-", "--atlas", "vgg16", "--model", "vgg16")
    assert refused.stderr == "Error: --model and --atlas each write a spec: give one of them\n"
    assert fvcli("init", "-", "--atlas", "atlas.yaml").stderr.startswith("Error: --atlas atlas.yaml: a spec")


def test_an_atlas_says_its_time_on_a_measured_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    write_speed(speed_path(), machine())
    lines = fvcli("init", "-", "--atlas", "efficientnet-lite0").stdout.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("# Cost: "))
    total = re.fullmatch(
        r"# Cost: 40,208 pictures, at most about (\d+ h) on this machine \(cpu\)\.", lines[begin]
    )
    assert total is not None
    rows = [line.split() for line in lines[begin + 1 : begin + 5]]
    assert [row[1:3] for row in rows] == [
        ["channel", "5,744"],
        ["neuron", "5,744"],
        ["negative", "5,744"],
        ["diversity", "22,976"],
    ]
    hours = [seconds(" ".join(row[3:])) / 3600 for row in rows]
    assert sum(hours) == pytest.approx(seconds(total[1]) / 3600, rel=0.02)
    assert hours[3] > 3.9 * hours[0]
