"""Every kind of a spec has what builds it; one that was forgotten fails when the worker is imported."""

from __future__ import annotations

from typing import Any

import pytest

from fvcli.spec import objectives, optimizers, penalties, regularizers, transforms
from fvcli.spec.base import complete, kinds_of
from fvcli.spec.parameterizations import Parameterization
from fvcli.spec.settings import Method
from fvcli.worker import builders, parameterizations, renderers

TABLES: dict[str, tuple[Any, dict[type, Any]]] = {
    "objectives": (objectives.AnyLeaf, builders.OBJECTIVES),
    "parameterizations": (Parameterization, parameterizations.BUILDERS),
    "transforms": (transforms.AnyTransform, builders.TRANSFORMS),
    "optimizers": (optimizers.Optimizer, builders.OPTIMIZERS),
    "penalties": (penalties.AnyPenalty, builders.PENALTIES),
    "regularizers": (regularizers.AnyRegularizer, builders.REGULARIZERS),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_kind_has_a_builder_and_every_builder_a_kind(name: str) -> None:
    union, table = TABLES[name]
    assert set(table) == set(kinds_of(union).values())


@pytest.mark.parametrize("name", TABLES)
def test_a_kind_without_a_builder_is_named(name: str) -> None:
    union, table = TABLES[name]
    kind, model = next(iter(kinds_of(union).items()))
    rest = {key: value for key, value in table.items() if key is not model}
    with pytest.raises(TypeError, match=f"^worker/builders.py lacks the kind {kind}$"):
        complete(rest, union, "worker/builders.py")


def test_every_method_has_a_renderer() -> None:
    assert set(renderers.RENDERERS) == set(Method.__args__)


def test_every_coupling_has_a_builder() -> None:
    assert set(builders.COUPLINGS) == {"diversity", "alignment"}
