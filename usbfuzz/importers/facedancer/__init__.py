"""Facedancer 3 scripts: read as text and never run."""
