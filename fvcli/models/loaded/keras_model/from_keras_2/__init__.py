"""What Keras 2 had and Keras 3 has not: layers, functions, and its order of weights."""
