"""What a spec names beside a network: pictures, movies and arrays, found, checked and read."""

from fvcli.sources.facts import ArrayFacts, PictureFacts, sha256_of_all
from fvcli.sources.find import find_array, find_pictures, find_place, find_stills
from fvcli.sources.movie import MovieFacts, movie_facts, read_frames
from fvcli.sources.named import NamedFiles
from fvcli.sources.read import read_array, read_picture_sized, sized
from fvcli.sources.spectrum import mean_spectrum

__all__ = [
    "ArrayFacts",
    "MovieFacts",
    "NamedFiles",
    "PictureFacts",
    "find_array",
    "find_pictures",
    "find_place",
    "find_stills",
    "mean_spectrum",
    "movie_facts",
    "read_array",
    "read_frames",
    "read_picture_sized",
    "sha256_of_all",
    "sized",
]
