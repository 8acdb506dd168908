"""The pytest plugin as a driver developer uses it."""
