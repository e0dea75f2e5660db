"""These tests need TensorFlow."""

from tests.helpers.tensorflow_setup import model  # noqa: F401
