"""A lane: one core, one guest, as many cases as it can eat."""
