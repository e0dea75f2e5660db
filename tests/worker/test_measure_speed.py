"""What a machine takes, read off the seconds of a warm-up and of a timed job."""

from __future__ import annotations

from pathlib import Path

from fvcli.app.plan_spec import plan_of_spec
from fvcli.models import ModelFacts
from fvcli.worker.measure_speed import _point, _Timed
from tests.helpers.running import write_spec


def test_compiling_is_what_the_warm_up_takes_beyond_its_own_steps(tmp_path: Path, facts: ModelFacts) -> None:
    """A picture that the machine was disturbed at does not count: 2 s of 10 steps are the median."""
    program = plan_of_spec(str(write_spec(tmp_path)), []).plan.programs[0]
    warm_up = _Timed("stem_bn", program, picture_steps=4, seconds=[1.5, 1.5])
    timed = _Timed("stem_bn", program, picture_steps=30, seconds=[2.0, 9.0, 2.0])
    point = _point(warm_up, timed, facts)
    assert (point.layer, point.size_px) == ("stem_bn", 64)
    assert point.step_seconds == 0.2
    assert point.compile_seconds == 2.2
