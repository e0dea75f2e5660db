"""scripts/gpu-check: a dry run for real, and what it does when parts fail or time runs out."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from benchmark import gpu_check, gpu_check_parts
from benchmark.gpu_check import Step, has_gpu, take
from benchmark.gpu_check_parts import Hand, pictures_part, relative_difference, share_device
from benchmark.gpu_check_report import DRY, best_of, report
from benchmark.gpu_check_run import FILE, TINY, Clock, Ended, Results, lines_of
from click.testing import CliRunner


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    results = Results(tmp_path / FILE)
    results.note(skipped={})
    return Hand(tmp_path, TINY, results)


def read(folder: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((folder / FILE).read_text())
    return data


# ---- for real


def test_a_dry_run_measures_scores_and_pictures_and_says_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_check, "gpus_here", lambda: ())
    words = ["-o", str(tmp_path), "--part", "scores", "--part", "pictures at once"]
    done = CliRunner().invoke(gpu_check.gpu_check, words)
    assert done.exit_code == 0, done.output
    data = read(tmp_path)
    assert data["dry_run"] is True
    assert data["note"] == DRY
    assert DRY in done.stdout
    assert data["skipped"] == {}
    scores = data["scores"]["default"]
    assert (scores["compared"], scores["worst"]) == (3, 0.0)  # the same CPU, twice
    assert scores["statuses"] == {"cpu": {"done": 3}, "gpu": {"done": 3}}
    rows = data["pictures"]["default"]["rows"]
    assert [row["pictures"] for row in rows] == [2, 1]
    assert all(row["units_a_minute"] > 0 and row["same_bytes_twice"] for row in rows)
    assert rows[0]["memory_estimate_bytes"] == 2 * rows[1]["memory_estimate_bytes"] > 0
    assert data["same_bytes"] == {"other_mates": True, "other_place": True, "alone": True}
    assert "Same bytes? rendered twice: yes" in done.stdout


# ---- time and failures


def test_a_process_is_cut_off_and_what_it_said_before_counts(tmp_path: Path) -> None:
    text = "import time; print('{\"a\": 1}', flush=True); print('noise', flush=True); time.sleep(60)"
    ended, log, began = Ended(), tmp_path / "log.txt", time.monotonic()
    assert list(lines_of([sys.executable, "-c", text], log, 2.0, ended)) == [{"a": 1}]
    assert time.monotonic() - began < 20
    assert ended.said(log) == f"cut off after {ended.seconds:.0f} s"
    assert log.read_text() == "noise\n"


def test_a_process_that_fails_says_its_last_line(tmp_path: Path) -> None:
    ended, log = Ended(), tmp_path / "log.txt"
    assert list(lines_of([sys.executable, "-c", "raise SystemExit('no')"], log, 60, ended)) == []
    assert ended.said(log) == "ended with 1: no"


def test_without_time_a_part_is_left_out_and_that_is_noted(hand: Hand) -> None:
    taken: list[float] = []

    def part(_: Hand, limit_s: float) -> str:
        taken.append(limit_s)
        return "half of it"

    take(Step("long", part, 100, 30), hand, Clock(20.0))
    take(Step("short", part, 100, 5), hand, Clock(20.0))
    take(Step("capped", part, 10, 5), hand, Clock(20.0))
    take(Step("broken", lambda *_: str(int("x")), 10, 5), hand, Clock(20.0))
    assert taken == pytest.approx([20.0, 10.0], abs=0.5)
    assert read(hand.folder)["skipped"] == {
        "long": "left out, because 20 s were left", "short": "half of it", "capped": "half of it",
        "broken": "ValueError: invalid literal for int() with base 10: 'x'",
    }  # fmt: skip


def test_a_number_of_pictures_that_ends_its_process_does_not_end_the_others(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def measured(_: Hand, name: str, what: Any, limit_s: float, ended: Ended) -> Iterator[dict[str, Any]]:
        asked.append(list(what["at_once"]))
        yield {"facts": {}}
        for at_once in what["at_once"]:
            if at_once == 2:
                ended.code = -6
                return
            yield {"row": {"pictures": at_once}}

    monkeypatch.setattr(gpu_check_parts, "_measured", measured)
    assert pictures_part("default")(hand, 60) == ""
    assert asked == [[2, 1], [1]]
    rows = read(hand.folder)["pictures"]["default"]["rows"]
    assert rows == [{"pictures": 2, "error": "ended with -6: no message"}, {"pictures": 1}]


def test_workers_are_timed_and_one_that_fails_is_told(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    def command(*words: object) -> list[str]:
        return [sys.executable, "-c", f"raise SystemExit({'0.5' in words and 3})"]

    monkeypatch.setattr(gpu_check_parts, "fvcli", command)
    assert share_device(hand, 60).startswith("2 at work: ended with 3")
    told = read(hand.folder)["sharing"]
    assert told["seconds_with_1"] > 0
    assert told["seconds_with_2"] is None


def test_a_gpu_that_tensorflow_does_not_see_is_no_dry_run(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_check, "gpus_here", lambda: ("0", "1"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(gpu_check, "take", lambda *_: None)
    with pytest.raises(click.ClickException, match="TensorFlow does not use it"):
        has_gpu(hand, Clock(60))
    hand.results.note(device={"is_gpu": True})
    assert has_gpu(hand, Clock(60))


# ---- the report


def row(pictures: int, speed: float, peak_gb: float = 1.0, estimate_gb: float = 2.0) -> dict[str, Any]:
    return {
        "pictures": pictures,
        "units_a_minute": speed,
        "step_seconds": 0.1,
        "compile_seconds": 20.0,
        "same_bytes_twice": True,
        "memory_before_bytes": 0,
        "memory_peak_bytes": int(peak_gb * 1e9),
        "memory_estimate_bytes": int(estimate_gb * 1e9),
    }


def checked(**more: Any) -> dict[str, Any]:
    rows = [row(64, 90.0), row(128, 100.0, 3.0), row(256, 0.0) | {"error": "ResourceExhaustedError: OOM"}]
    facts = {"precision": "float16", "gpu_pictures": 128}
    scores = {"compared": 32, "worst": 0.04, "median": 0.01, "out_of_memory": []}
    return {
        "dry_run": False,
        "skipped": {"workers that share": "left out, because 3 s were left"},
        "scores": {"default": scores},
        "pictures": {
            "default": {"facts": facts, "rows": rows},
            "float32, no XLA": {"facts": {}, "rows": [row(128, 50.0)]},
        },
        "same_bytes": {"alone": True, "another_process": False},
        "sharing": {"units": 256, "seconds_with_1": 60.0, "seconds_with_2": 40.0},
        **more,
    }


def test_the_report_of_a_gpu_in_full() -> None:
    assert report(checked()).splitlines() == [
        "| computed with | pictures at once | units a minute | ms a step | compiling s | peak GB | "
        "estimated GB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| default (float16) | 64 | 90.0 | 100.0 | 20.0 | 1.00 | 2.00 |",
        "| default (float16) | 128 | 100.0 | 100.0 | 20.0 | 3.00 | 2.00 |",
        "| default (float16) | 256 | ResourceExhaustedError: OOM |  |  |  |  |",
        "| float32, no XLA | 128 | 50.0 | 100.0 | 20.0 | 1.00 | 2.00 |",
        "",
        "Scores, default: of 32 units the GPU's differ from the CPU's by 1.00 % (median) and 4.00 % (worst), "
        "as rounding explains.",
        "Best: 128 pictures at once, 100.0 units a minute.",
        "The default of 128 pictures at once fits: 100.0 units a minute.",
        "Memory: 0.50 to 1.50 of the estimate (image_bytes a picture); it is too low.",
        "The default is 2.00 times as fast as float32, no XLA, at 128 at once.",
        "Same bytes? rendered twice: yes, alone: yes, another process: NO.",
        "One worker took 60 s for 256 units, two that share the GPU 40 s, start-up and compiling in it: "
        "1.50 times as fast.",
        "Not complete: workers that share (left out, because 3 s were left).",
    ]


def test_the_report_says_what_is_wrong() -> None:
    out = ["out of memory: batch 0 goes on with 64 pictures at a time"]
    scores = {"compared": 32, "worst": 0.5, "median": 0.01, "out_of_memory": out}
    text = report(checked(scores={"default": scores}))
    assert "MORE THAN ROUNDING EXPLAINS" in text
    assert f"The default of 128 pictures at once DOES NOT FIT: {out[0]}." in text


def test_the_report_of_a_session_that_was_cut_off_at_once() -> None:
    assert report({"skipped": {}}).count("|") == 2 * 8


def test_fewer_pictures_at_once_are_better_if_they_are_about_as_fast() -> None:
    assert best_of([row(64, 96.0), row(128, 100.0), row(32, 80.0)]) == row(64, 96.0)
    assert best_of([]) is None


@pytest.mark.parametrize(("one", "other", "difference"), [(9.0, 10.0, -0.1), (-11.0, -10.0, -0.1), (1, 1, 0)])
def test_differences_are_shares_of_the_cpus_score(one: float, other: float, difference: float) -> None:
    assert relative_difference(one, other) == pytest.approx(difference)
