"""TensorFlow graphs, frozen or from a SavedModel: interpreted operation by operation."""
