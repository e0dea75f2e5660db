"""Reading what other programs wrote, without trusting it."""
