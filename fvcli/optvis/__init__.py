"""The mathematics of feature visualization: pure TensorFlow and NumPy, nothing of files or specs."""
