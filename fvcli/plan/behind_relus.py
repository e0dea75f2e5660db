"""Say which layers a plan reads behind a ReLU although the layer before it would give better pictures."""

from __future__ import annotations

from fvcli.errors import command
from fvcli.models import ModelFacts
from fvcli.plan.activations import RELUS, before_relus
from fvcli.plan.plan import Plan

MOST = 3
WHY = {
    "ReLU": "where a silent channel has no gradient",
    "ReLU6": "where a silent channel has no gradient and none rises above 6",
}


def behind_relus(plan: Plan, facts: ModelFacts) -> list[str]:
    """Return a remark for each layer of which channels are rendered behind a ReLU, but not before it."""
    terms = [term for program in plan.programs for term in program.terms]
    read = {term.layer for term in terms}
    named = dict.fromkeys(term.layer for term in terms if term.of_kind.sweeps == "channels")
    before = before_relus(facts.nodes)
    kinds = {node.name: node.kind for node in facts.nodes}
    better = {name: before[name] for name in named if name in before and before[name] not in read}
    remarks = [_remark(name, _relu(name, kinds, facts), other) for name, other in better.items()]
    if left := max(0, len(remarks) - MOST):
        others = "layer is" if left == 1 else "layers are"
        listing = command("layers", facts.called)
        remarks[MOST:] = [f"{left} more {others} behind a ReLU; {listing} shows what each is made from"]
    return remarks


def _remark(name: str, relu: str, other: str) -> str:
    return f"{name} is behind a {relu}, {WHY[relu]}; better is the layer before it: layer: {other}"


def _relu(name: str, kinds: dict[str, str], facts: ModelFacts) -> str:
    """Name the ReLU that a layer is, or that it joins."""
    return RELUS[kinds[name] if kinds[name] in RELUS else kinds[facts.inputs_of[name][0]]]
