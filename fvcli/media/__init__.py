"""Pictures, arrays and films: found, checked, read and written."""

from fvcli.media.file_facts import ArrayFacts, PictureFacts, sha256_of_all
from fvcli.media.find_files import find_array, find_pictures, find_place, find_stills, left_out, stills_of
from fvcli.media.mean_spectrum import mean_spectrum
from fvcli.media.movie_reader import FrameTimes, MovieFacts, movie_facts, read_frames, timed_facts
from fvcli.media.movie_writer import encode_movie
from fvcli.media.named_files import NamedFiles
from fvcli.media.picture_classes import PictureClasses, classes_of
from fvcli.media.picture_list import PictureList, list_pictures
from fvcli.media.picture_pixels import read_pixels, sized_pixels
from fvcli.media.png import as_8_bits, encode_picture, picture_text, pixel_sha256, read_picture, read_source
from fvcli.media.read_files import read_array, read_picture_sized, sized

__all__ = [
    "ArrayFacts",
    "FrameTimes",
    "MovieFacts",
    "NamedFiles",
    "PictureClasses",
    "PictureFacts",
    "PictureList",
    "as_8_bits",
    "classes_of",
    "encode_movie",
    "encode_picture",
    "find_array",
    "find_pictures",
    "find_place",
    "find_stills",
    "left_out",
    "list_pictures",
    "mean_spectrum",
    "movie_facts",
    "picture_text",
    "pixel_sha256",
    "read_array",
    "read_frames",
    "read_picture",
    "read_picture_sized",
    "read_pixels",
    "read_source",
    "sha256_of_all",
    "sized",
    "sized_pixels",
    "stills_of",
    "timed_facts",
]
