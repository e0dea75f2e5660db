"""What is known of a model, from the cache if it was loaded before, or what is wrong with it."""

from __future__ import annotations

import re

from fvcli.app.facts_cache import cached_facts_path, read_cached_facts, write_cached_facts
from fvcli.engines.import_tensorflow import importing_tensorflow
from fvcli.errors import FvcliError
from fvcli.models import (
    GraphNode,
    ModelChoice,
    ModelFacts,
    describe,
    graph_nodes,
    model_names,
    needs_tensorflow,
)
from fvcli.plan.model_choice import choice_of
from fvcli.spec import Document, Problem, Spec


def describe_model(choice: ModelChoice, allow_code: bool) -> ModelFacts:
    """Return what is known of a model; if TensorFlow is needed for it, set it up as a worker does.

    Raises:
        FvcliError: The model is unknown, or its files are missing, damaged or hostile.
    """
    if not needs_tensorflow(choice):
        return describe(choice, allow_code)
    place = cached_facts_path(choice)
    cached = read_cached_facts(place)
    if cached is not None:
        return cached
    _set_up_tensorflow()
    facts = describe(choice, allow_code)
    write_cached_facts(place, facts)
    return facts


def nodes_of_graph(choice: ModelChoice) -> list[GraphNode]:
    """Return the nodes of a TensorFlow graph.

    Raises:
        FvcliError: The model is none, or its file is damaged.
    """
    _set_up_tensorflow()
    return graph_nodes(choice)


def _set_up_tensorflow() -> None:
    with importing_tensorflow():
        from fvcli.worker.device import set_up_device

        set_up_device()


def facts_of_spec(document: Document, spec: Spec, allow_code: bool) -> ModelFacts | None:
    """Return what is known of a spec's model, or report to the document what is wrong with it."""
    try:
        return describe_model(choice_of(spec.model), allow_code)
    except FvcliError as error:
        key, message = _wrong_key(spec, str(error))
        model = document.data["model"]
        below = (key,) if isinstance(model, dict) and key in model else ()
        document.report([Problem(("model", *below), message)])
        return None


def _wrong_key(spec: Spec, message: str) -> tuple[str, str]:
    """Say which key of the model a message is about, and return the message without it."""
    named = re.match(r"model\.(\w+): ", message)
    if named:
        return named[1], message[named.end() :]
    if spec.model.name is None:
        return "path" if spec.model.path is not None else "factory", message
    return ("weights" if spec.model.name in model_names() else "name"), message
