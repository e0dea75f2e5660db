"""Which layer of a functional model reads which tensor, as Keras 3 writes it.

Keras 2 lists for each call of a layer the tensors that it reads, as [layer, call, output, keywords]; of a
single call of a function or an inner model it may be one such list, or a dictionary of them. Keywords can
hold tensors as well, as [layer, call, output], and what the first argument has of constants is written as
[_CONSTANT_VALUE, -1, value, keywords]. Calls of inner models are counted from 1 there, and from 0 here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from fvcli.models.files.keras_2.layer_settings import INITIAL_STATE
from fvcli.models.files.keras_2.names import without_slash

CONSTANT = "_CONSTANT_VALUE"
Tensor = list[Any]  # [layer, call, output]


class Connections:
    """The connections of one functional model.

    Args:
        config: Of the model.
        models: Names of the layers that are models themselves.
        sequential: Names of those that are sequential.
    """

    def __init__(
        self, config: Mapping[str, Any], models: Collection[str], sequential: Collection[str]
    ) -> None:
        self._config = config
        self._names = {layer.get("name") or layer["config"]["name"] for layer in config["layers"]}
        self._sequential = sequential
        self._first_call = self._first_calls(models)

    def _first_calls(self, models: Collection[str]) -> dict[str, int]:
        """Return the number of the first call of each inner model: 1, or 0 if it began without an input."""
        calls: dict[str, list[int]] = defaultdict(list)
        for layer in self._config["layers"]:
            for name, call, _ in self._tensors(layer.get("inbound_nodes", [])):
                calls[name].append(call)
        for key in ("input_layers", "output_layers"):
            for name, call, _ in self._tensors(self._config[key]):
                calls[name].append(call)
        return {name: min(calls[name], default=0) for name in models}

    def _tensors(self, value: Any) -> Iterator[Tensor]:
        if self._is_tensor(value):
            yield value[:3]
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for item in items:
            yield from self._tensors(item)

    def _is_tensor(self, value: Any) -> bool:
        """Tell whether a value is [layer, call, output], with keywords behind or without."""
        return (
            isinstance(value, list)
            and len(value) in {3, 4}
            and isinstance(value[0], str)
            and value[0] in self._names
            and all(type(number) is int for number in value[1:3])
            and (len(value) == 3 or isinstance(value[3], dict))
        )

    # ---- calls

    def of(self, layer: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the calls of a layer."""
        return [self._call(layer["class_name"], call) for call in layer.get("inbound_nodes", [])]

    def _call(self, kind: str, given: Any) -> dict[str, Any]:
        keywords: dict[str, Any] = {}
        first = self._argument(given, keywords)
        if isinstance(first, list) and len(first) == 1 and not self._is_single(given):
            first = first[0]
        if kind in INITIAL_STATE and isinstance(first, list):
            first, *state = first
            keywords = {"initial_state": state, **keywords}
        return {"args": [first], "kwargs": keywords}

    def _is_single(self, given: Any) -> bool:
        return self._is_tensor(given) or self._is_constant(given)

    def _argument(self, value: Any, keywords: dict[str, Any]) -> Any:
        """Return the first argument of a call, and collect the keywords that stand beside its tensors."""
        if self._is_constant(value) or self._is_tensor(value):
            for key, item in (value[3] if len(value) == 4 else {}).items():
                keywords[key] = self._keyword(item)
            return self._keyword(value[2]) if self._is_constant(value) else self._tensor(value)
        if isinstance(value, dict):
            return {key: self._argument(item, keywords) for key, item in value.items()}
        return [self._argument(item, keywords) for item in value]

    def _is_constant(self, value: Any) -> bool:
        return isinstance(value, list) and len(value) in {3, 4} and value[:2] == [CONSTANT, -1]

    def _keyword(self, value: Any) -> Any:
        if self._is_tensor(value) and len(value) == 3:
            return self._tensor(value)
        if isinstance(value, dict):
            return {key: self._keyword(item) for key, item in value.items()}
        return [self._keyword(item) for item in value] if isinstance(value, list) else value

    def _tensor(self, value: Tensor) -> dict[str, Any]:
        """Return a tensor as Keras 3 writes it; its shape and type are found when it is made."""
        name, call, output = value[:3]
        history = [without_slash(name), call - self._first_call.get(name, 0), output]
        return {
            "class_name": "__keras_tensor__",
            "config": {"shape": [None], "dtype": "float32", "keras_history": history},
        }

    # ---- ends

    def ends(self, key: str) -> Any:
        """Return the inputs or outputs of the model, in their structure."""
        return self._ends(self._config[key])

    def _ends(self, value: Any) -> Any:
        if self._is_tensor(value):
            name, call, output = value[:3]
            call -= self._first_call.get(name, 0)
            counts_from_1 = name in self._first_call and name not in self._sequential
            return [without_slash(name), call + int(counts_from_1), output]
        if isinstance(value, dict):
            return {key: self._ends(item) for key, item in value.items()}
        ends = [self._ends(item) for item in value]
        return ends[0] if len(ends) == 1 else ends
