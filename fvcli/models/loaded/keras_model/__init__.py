"""Keras models: read, laid open as calls and nodes, or built from nodes."""
