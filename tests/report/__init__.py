"""Texts of a crash directory."""
