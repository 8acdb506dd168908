"""Every moment of an unplug: the list of moments, the books, a real guest."""
