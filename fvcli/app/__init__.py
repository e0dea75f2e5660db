"""The use cases behind the commands, callable from Python."""
