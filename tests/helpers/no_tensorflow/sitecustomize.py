"""With this folder on PYTHONPATH, TensorFlow and Keras cannot be imported, in child processes neither."""

import sys


class _Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"tensorflow", "keras"}:
            raise ImportError(f"{name} is made unimportable by {__file__}")


sys.meta_path.insert(0, _Refuse())
