"""The dataset examples of a run: what they are of, read and written."""

from fvcli.run.examples.arrays import LayerArrays
from fvcli.run.examples.head import ExamplesHead, LayerHead, Video
from fvcli.run.examples.reader import Examples, Picture, SkippedFile, read_examples
from fvcli.run.examples.units import ChosenUnits, channel_of, chosen_units

__all__ = [
    "ChosenUnits",
    "Examples",
    "ExamplesHead",
    "LayerArrays",
    "LayerHead",
    "Picture",
    "SkippedFile",
    "Video",
    "channel_of",
    "chosen_units",
    "read_examples",
]
