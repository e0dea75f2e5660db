"""The networks that can be named, as plain facts."""
