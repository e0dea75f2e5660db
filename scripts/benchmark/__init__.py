"""What scripts/bench runs: the same units with several tools, one score for all of their pictures."""
