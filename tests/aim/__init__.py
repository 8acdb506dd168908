"""Aims: what drivers, files and another kernel mean in kernels that are compiled here."""
