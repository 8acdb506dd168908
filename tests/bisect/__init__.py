"""Which kernels are asked for a bug, what their answers come to, and a step of git bisect on trees made here."""
