"""These tests need TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fvcli.models import ModelFacts
from fvcli.run import RunFolder
from tests.helpers.plans import plan_of
from tests.helpers.tensorflow_setup import model  # noqa: F401


@pytest.fixture
def begin(tmp_path: Path, facts: ModelFacts) -> Iterator[Callable[..., RunFolder]]:
    """Make the folder of jobs on the default network, with nothing rendered."""
    with ExitStack() as stack:

        def make(*jobs: dict[str, Any], **top: Any) -> RunFolder:
            plan = plan_of(facts, jobs, **top)
            return stack.enter_context(RunFolder.begin(tmp_path / "run", plan, "{}\n", facts))

        yield make
