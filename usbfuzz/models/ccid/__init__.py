"""A smart card reader (CCID), and the card in it."""
