"""How a page says scores: of which picture, and by whose network."""

from __future__ import annotations

from fvcli.golden.reports.page_words import name_of, number
from fvcli.golden.results import UnitResult, asked_network

BY = "score by the {}'s network"
OWN = "score by its own network"


def value_name(unit: UnitResult, value: str) -> str:
    """Return how a value of a unit is called; of a score with the network that sees its change, if two do."""
    whose = asked_network(unit.golden, unit.run) if value == "score" else None
    return name_of(value) if whose is None else BY.format(whose)


def score_rows(unit: UnitResult) -> list[tuple[str, str, str]]:
    """Return the scores of the golden's and of the run's picture, in a row for each network.

    Numbers of one row can be compared, unless the row says that each is by its own network.
    """
    golden, run = unit.golden, unit.run
    if golden.other_score is not None or run.other_score is not None:
        return [
            (BY.format("golden"), number(golden.score), number(run.other_score)),
            (BY.format("run"), number(golden.other_score), number(run.score)),
        ]
    return [(_one_row(unit), number(golden.score), number(run.score))]


def _one_row(unit: UnitResult) -> str:
    sums = {side.weights_sha256 for side in (unit.golden, unit.run) if side.weights_sha256}
    if len(sums) < 2:
        return "score"
    was_asked = "texture" in unit.values  # which only a network tells
    return BY.format("run") if was_asked else OWN
