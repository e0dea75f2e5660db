"""What a spec names beside a network: pictures, movies and arrays, found, checked and read."""

from fvcli.sources.facts import ArrayFacts, PictureFacts
from fvcli.sources.find import find_array, find_pictures, find_place
from fvcli.sources.movie import MovieFacts, movie_facts, read_frames
from fvcli.sources.named import NamedFiles
from fvcli.sources.read import read_array, read_picture_sized
from fvcli.sources.spectrum import mean_spectrum

__all__ = [
    "ArrayFacts",
    "MovieFacts",
    "NamedFiles",
    "PictureFacts",
    "find_array",
    "find_pictures",
    "find_place",
    "mean_spectrum",
    "movie_facts",
    "read_array",
    "read_frames",
    "read_picture_sized",
]
