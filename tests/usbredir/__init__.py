"""The usbredir channel, with the reference C parser as the other end."""
