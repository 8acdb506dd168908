"""One guest and the rounds it runs."""
