"""Kernels built from a distribution's source: configuration, Makefiles, the way from a spec to an entry."""
