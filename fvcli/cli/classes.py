"""``fvcli classes``."""

from __future__ import annotations

import click

from fvcli.cli.layers import without_weights
from fvcli.cli.options import code_option
from fvcli.cli.table import print_json, print_table
from fvcli.errors import UsageError, command


@click.command()
@click.argument("model")
@click.argument("word", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@code_option
def classes(model: str, word: str | None, as_json: bool, allow_code: bool) -> None:
    """List the classes of a MODEL, or those whose name has a WORD.

    MODEL is a name, a file, or a spec with a model. A spec takes a class by its number,
    or by any of its names.

    \b
      fvcli classes efficientnet-lite0 retriever
      fvcli classes my_model.keras --json
    """
    from fvcli.app.describe_model import describe_model
    from fvcli.app.plan_spec import model_of
    from fvcli.models.labels import classes_spelled_like, classes_with

    facts = describe_model(without_weights(model_of(model)), allow_code)
    if not facts.labels:
        raise UsageError(f"{facts.name} has no class output", "name one with model.logits")
    found = range(len(facts.labels)) if word is None else classes_with(word, facts.labels)
    if not found:
        listing = f"list them with: {command('classes', model)}"
        near = classes_spelled_like(str(word), facts.labels)
        raise UsageError(
            f"no class of {facts.name} has {word!r}", f"{near} Or {listing}" if near else listing
        )
    rows = [(index, facts.labels[index]) for index in found]
    if as_json:
        print_json([{"index": index, "name": name} for index, name in rows])
    else:
        print_table(("index", "name"), rows)
