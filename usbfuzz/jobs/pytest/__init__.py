"""The pytest plugin: fixtures that plug devices into guests.

``plugin`` imports nothing heavy, because every pytest run loads it; ``guest`` is imported on first use.
"""
