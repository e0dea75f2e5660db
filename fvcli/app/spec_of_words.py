"""From the words of a command, SPEC or MODEL LAYER[:CHANNELS]..., to a plan and the name of its run."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from fvcli.app.plan_spec import SPEC_FILES, PlannedSpec, plan_of_spec, plan_of_text
from fvcli.errors import UsageError, command
from fvcli.models import model_names
from fvcli.spec.model import model_key
from fvcli.spec.yaml_text import inline

CHANNELS = re.compile(r"(?P<layer>.+):(?P<channels>all|\d[^:]*)")
RUNS = Path("runs")
LONGEST_NAME = 80  # of a run's folder


def plan_of_words(words: Sequence[str], overrides: Sequence[str], allow_code: bool = False) -> PlannedSpec:
    """Plan a spec, or a model and layers of it, which make a spec with a job for each layer.

    Args:
        words: The path of a spec, ``-``, or a model's name or file and one or more LAYER[:CHANNELS].
        overrides: ``key.path=value`` pairs that are laid over the spec.
        allow_code: Whether the model's factory may run.

    Raises:
        SpecError: With every mistake that was found.
        UsageError: There is no word, or a model stands without a layer.
    """
    if is_spec(words):
        return plan_of_spec(words[0], overrides, allow_code)
    text, written_by = spec_of_words(words)
    return plan_of_text(text, written_by, overrides, allow_code)


def is_spec(words: Sequence[str]) -> bool:
    """Tell whether words are those of a spec.

    Raises:
        UsageError: They are neither those of a spec nor those of a model and layers.
    """
    if not words:
        raise UsageError("give a SPEC, or MODEL LAYER[:CHANNELS]", "fvcli render spec.yaml -o run")
    first = words[0]
    if len(words) > 1 and first.lower().endswith((*SPEC_FILES, "-")):
        raise UsageError(f"{first} is a spec, and {words[1]} stands behind it", "give one SPEC, and options")
    if len(words) == 1 and first in model_names():
        layer = command("render", first, "LAYER:0-7")
        hint = f"{layer}; layers worth rendering: {command('inspect', first)}"
        raise UsageError(f"{first} is a model, and no layer is named", hint)
    return len(words) == 1


def spec_of_words(words: Sequence[str]) -> tuple[str, dict[int, str]]:
    """Return the spec of a model and LAYER[:CHANNELS] words, and which word each of its lines is made of."""
    model, *layers = words
    lines, written_by = [f"model: {inline(model)}", "jobs:"], {1: model, 2: " ".join(layers)}
    names: set[str] = set()
    for word in layers:
        layer, channels = _layer_and_channels(word)
        base = re.sub(r"[^A-Za-z0-9._-]+", "-", layer).lstrip("._-")[:90] or "layer"
        numbered = itertools.chain([base], (f"{base}-{i}" for i in itertools.count(2)))
        name = next(name for name in numbered if name.lower() not in names)
        names.add(name.lower())
        units = f", channels: {channels}" if channels else ""
        lines.append(f"  - {{name: {inline(name)}, layer: {inline(layer)}{units}}}")
        written_by[len(lines)] = word
    return "\n".join(lines) + "\n", written_by


def _layer_and_channels(word: str) -> tuple[str, str]:
    """Split LAYER:CHANNELS; CHANNELS as a spec has them, empty where they are left out."""
    match = CHANNELS.fullmatch(word)
    if match is None:
        return word, ""
    return match["layer"], inline(match["channels"])


def run_of_words(words: Sequence[str]) -> Path:
    """Return where the run of a command is whose -o was left out: runs/ and the name of its spec.

    Raises:
        UsageError: A spec from standard input has no name.
    """
    if is_spec(words):
        name = Path(words[0]).stem
        if words[0] == "-" or not name:
            raise UsageError("a spec from standard input has no name for its run", "give -o RUN")
        return RUNS / name
    model = Path(words[0]).stem if model_key(words[0]) == "path" else words[0]
    name = re.sub(r"[^A-Za-z0-9._,-]+", "-", "-".join([model, *words[1:]])).strip("-.")
    if len(name) > LONGEST_NAME:
        name = f"{name[:LONGEST_NAME]}-{sha256(' '.join(words).encode()).hexdigest()[:8]}"
    return RUNS / name
