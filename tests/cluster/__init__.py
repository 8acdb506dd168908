"""Lanes on other machines: a real scheduler and real dask workers in processes of their own; the guests are pretended.

In ``test_cluster_guest`` they are real.
"""
