"""What a spec's ``output`` asks for that its pictures cannot have."""

from __future__ import annotations

from fvcli.plan.plan import Plan
from fvcli.spec.mistakes.problems import Problem


def check_output(plan: Plan) -> list[Problem]:
    """Return what is wrong with the copies, curves and arrays that are asked for."""
    output, settings = plan.output, [program.settings for program in plan.programs]
    problems = []
    if "webp" in output.also and any(one.animation and one.animation.format == "webp" for one in settings):
        message = "a copy as webp and a film as webp would be one file; write also: jpeg, or the film as gif"
        problems.append(Problem(("output", "also"), message))
    if output.curve and settings and all(one.method != "ascent" for one in settings):
        message = "no picture of this spec is optimised step by step, so none has a curve; leave it out"
        problems.append(Problem(("output", "curve"), message))
    if output.array and settings and all(one.method == "steepest" for one in settings):
        message = "a steepest direction has no picture before it is rounded; leave it out"
        problems.append(Problem(("output", "array"), message))
    if output.curve and (odd := next((u.path for u in plan.units if u.name.endswith(".curve")), None)):
        message = f"{odd}.json would be taken for a curve; give the picture or variant another name"
        problems.append(Problem(("output", "curve"), message))
    return problems
