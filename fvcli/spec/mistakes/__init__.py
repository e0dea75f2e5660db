"""What can be wrong with a spec, and the messages about it: where, and what to write instead."""
