"""The plan: spec and facts of the model -> units, batches, shards. Pure: no files, no TensorFlow.

    spec.jobs --enumerate--> units --group by program--> batches --every N-th--> shards

A program is what has to be compiled anew: the objective's kinds and layers, size and recipe. Units of one
program share batches, whatever job they come from. On a GPU every batch is padded to the program's batch
size, because another size changes rounding and, over hundreds of steps, pixels.
"""

from fvcli.plan.changes import Gone, SpecTexts, change_lines
from fvcli.plan.choose_units import choose_units
from fvcli.plan.data import JobPlan, Program, Source, Unit, Window
from fvcli.plan.make import make_plan
from fvcli.plan.parted_units import Place
from fvcli.plan.picture_facts import picture_facts
from fvcli.plan.plan import Plan
from fvcli.plan.standalone_spec import standalone_spec, title_of
from fvcli.plan.terms import TermPlan, TermShape

__all__ = [
    "Gone",
    "JobPlan",
    "Place",
    "Plan",
    "Program",
    "Source",
    "SpecTexts",
    "TermPlan",
    "TermShape",
    "Unit",
    "Window",
    "change_lines",
    "choose_units",
    "make_plan",
    "picture_facts",
    "standalone_spec",
    "title_of",
]
