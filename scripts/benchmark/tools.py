"""Which tools are compared, and a virtual environment for each that is not fvcli's own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.units import CANVAS_PX

VENVS = Path(".bench")
PLAIN, DEFAULT = "plain-lucid", "fvcli-default"  # what scores are relative to, and whose curve is read

# For every process. Torch's OpenMP threads spin while they wait for each other, which counts as CPU time:
# beside another busy process a step of Lucent took thirty times as much. Asleep they cost nothing.
ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


@dataclass(frozen=True)
class Tool:
    """One column of the tables.

    script: The module that renders with it; None for fvcli, whose recipe is then set.
    canvas_px: None leaves the size to the tool.
    venv: Name of its environment; None: fvcli's own.
    requirements: What pip installs there.
    """

    name: str
    script: str | None = None
    recipe: str | None = None
    canvas_px: int | None = CANVAS_PX
    venv: str | None = None
    requirements: tuple[str, ...] = field(default=())


_XPLIQUE = ("xplique==2.0.2",)
_TF_KERAS_VIS = ("tf-keras-vis==0.8.7", "tensorflow==2.20.0")
_LUCENT = ("torch-lucent==0.1.8",)

TOOLS = (
    Tool(PLAIN, script="plain_lucid"),
    Tool("fvcli-lucid", recipe="lucid"),
    Tool(DEFAULT, recipe="default"),
    Tool("xplique", script="peer_xplique", canvas_px=None, venv="xplique", requirements=_XPLIQUE),
    Tool("xplique-224", script="peer_xplique", venv="xplique", requirements=_XPLIQUE),
    Tool(
        "tf-keras-vis",
        script="peer_tf_keras_vis",
        canvas_px=None,
        venv="tf-keras-vis",
        requirements=_TF_KERAS_VIS,
    ),
    Tool("lucent", script="peer_lucent", canvas_px=None, venv="lucent", requirements=_LUCENT),
    Tool("lucent-224", script="peer_lucent", venv="lucent", requirements=_LUCENT),
)


class ToolError(Exception):
    """A tool could not be installed or did not finish; the message is the end of what it printed."""


def choose_tools(names: Sequence[str] | None) -> tuple[Tool, ...]:
    """Return the tools of these names, in the usual order; all without names.

    Raises:
        ValueError: Unknown names.
    """
    known = {tool.name for tool in TOOLS}
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise ValueError(f"no tool {', '.join(unknown)}; there are {', '.join(t.name for t in TOOLS)}")
    return tuple(tool for tool in TOOLS if not names or tool.name in names)


def python_of(tool: Tool) -> str:
    """Return the Python that runs a tool, after making its environment where it is missing.

    Raises:
        ToolError: It cannot be installed.
    """
    if tool.venv is None:
        return sys.executable
    folder = VENVS / f"venv-{tool.venv}"
    stamp, wanted = folder / "installed.txt", "\n".join(tool.requirements)
    python = folder / "bin" / "python"
    if not (stamp.exists() and stamp.read_text() == wanted):
        print(f"Installing {wanted.splitlines()[0]} into {folder}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        _call([sys.executable, "-m", "venv", str(folder)])
        _call([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *tool.requirements])
        stamp.write_text(wanted)
    return str(python)


def _call(command: Sequence[str]) -> None:
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise ToolError(last_lines(done.stdout))


def last_lines(text: str, count: int = 5) -> str:
    return "\n".join(text.rstrip().splitlines()[-count:])
