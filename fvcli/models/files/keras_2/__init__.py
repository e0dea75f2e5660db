"""Descriptions of models as Keras 2 wrote them, turned into what Keras 3 reads; no TensorFlow."""
