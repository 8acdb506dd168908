"""The descriptor codec and what is read out of descriptors."""
