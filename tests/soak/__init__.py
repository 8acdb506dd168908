"""Soaks and plug cycles: what counts as growth, which process is what, and one short soak of real campaigns."""
