"""Facedancer scripts and boofuzz sessions at our guest."""
