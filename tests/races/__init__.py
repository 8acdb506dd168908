"""Reduction of a case, with a pretended oracle and on real guests."""
