"""The matrix of cases and kernels: judged, blessed, printed."""
