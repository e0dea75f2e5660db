"""What the page says beside the schema."""

from __future__ import annotations

from reference_page.defaults import (
    BY_RECIPE_HEADING,
    RATES_HEADING,
    WEIGHTS_HEADING,
    by_recipe,
    rates,
    weights,
)
from reference_page.sections import link

BY_RECIPE_TABLE = link("the table", BY_RECIPE_HEADING)
HEAD = f"""# Reference: every key of a spec

`scripts/reference` writes this page from the JSON Schema that `fvcli schema` prints. Editors can check
specs with that schema and show the same descriptions.

- **default**: what happens if you leave a key out. *By recipe*: the recipe decides; see
  {BY_RECIPE_TABLE} and [recipes.md](recipes.md). *Suits ...*: fvcli computes a value that
  fits the other keys. *Needed*: the key has no default.
- **kind**: objectives, parameterizations, transforms, optimizers, penalties and regularizers are mappings
  with a `kind`. A kind without other keys can be written as its name:
  `objective: neuron` is `objective: {{kind: neuron}}`.
- **Where keys stand**: a job or a variant may set every key of `render`. The nearest one counts: variant,
  job, `render`, recipe.
- **Paths** of pictures and arrays are looked up beside the spec, then in the working directory.

Words: a *unit* is one picture to make, such as one channel. The *score* is the value of the objective. A
*step* is one update of the picture by the optimizer. A *view* is the picture after the random transforms,
as the network sees it. *Activations* are the outputs of a layer; a *position* is one row and column of
them.
"""

JOBS = """\
A job makes one picture for each layer, each channel, class or vector, each source picture and each variant.

```yaml
jobs:
  - {name: plain, layer: block4_expand_bn, channels: 0-15}
  - {name: two-layers, layer: [block4_expand_bn, block6_expand_bn], channels: [3, 17], sign: negative}
  - {name: facets, layer: block6_expand_bn, channels: [2], diversity: {count: 4, layer: block6_expand}}
  - name: compared
    layer: block6_expand_bn
    channels: [2]
    variants: [{name: noisy, recipe: naive}, {name: clear, recipe: default}]
  - {name: caricatures, layer: block6_expand_bn, objective: caricature, pictures: photos/}
```
"""
OBJECTIVES = """\
An objective says what is maximised; `sign: negative` minimises it. `sum`, `product` and `interpolate` put
others together. A term without a `layer` uses the job's layer. A term without a channel, class or vector is
rendered once for each of the job's. A term may also have a list of its own: two terms with a list each make
all pairs.

```yaml
objective: {kind: sum, terms: [{kind: channel, channel: [1, 2, 3]}, {kind: channel, channel: [4, 5, 6]}]}
objective:
  kind: product
  terms: [{kind: channel, layer: block4_expand_bn, channel: 3}, {kind: class_logit, class: tabby}]
objective:
  kind: interpolate
  count: 6
  from: {kind: channel, layer: block4_expand_bn, channel: 3}
  to: {kind: channel, layer: block9_expand_bn, channel: 387}
  alignment: {layers: [block2_add], weight: 0.1}
```
"""
FIGURE = """\
```yaml
output:
  grid: {columns: 8, labels: true}
  figure:
    title: Optimisation, step by step
    columns: [Step 0, Step 4, Step 48]
    rows:
      - {title: Channel 2, units: facets/channel-0002, show: steps}
    caption: Large forms appear first, detail later.
```
"""
BEFORE = {
    "Jobs": JOBS,
    "Objectives": OBJECTIVES,
    "Parameterizations": "How a picture is described while it is optimised.\n",
    "Transforms": "Random changes of the picture before each step, in the order of the list.\n",
    "Optimizers": "How a gradient becomes a step. A dream takes `octaves.rates` instead.\n",
    "Penalties": "What is subtracted from the score. A penalty sees the whole picture, not its views.\n",
    "Regularizers": "What is done to the pixels after each step. They need `parameterization: pixel`.\n",
    "Output": FIGURE,
}

AFTER = {
    "Render": f"""\
### {BY_RECIPE_HEADING}

Each line is a key, a value, and the recipes that have it. Keys that a recipe's piece does not name have the
default of the piece's kind, as the tables below say. Setting a piece, such as `optimizer`, replaces the
recipe's entire optimizer. If you replace only the parameterization, the learning rate changes to
{link("one that suits", RATES_HEADING)} the new one.

{by_recipe()}

For pictures below 128 px, `default` and `classes` shrink `shift_px` and `crop_px` in proportion.
""",
    "Optimizers": f"""\
### {RATES_HEADING}

A spec that names an optimizer without a `learning_rate` gets the one for its parameterization:

{rates()}

`gradient` with `step: mean` takes these for 128 steps, and less for more: the rate is multiplied by
sqrt(128 / steps). With `step: plain`, `unit` and `progress` a learning rate is needed.
""",
    "Penalties": f"""\
### {WEIGHTS_HEADING}

A spec that names a penalty without a `weight` gets the one for the size of its pictures:

{weights()}
""",
}
