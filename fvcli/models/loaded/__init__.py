"""Networks in memory: every module here imports TensorFlow, and none outside does."""
