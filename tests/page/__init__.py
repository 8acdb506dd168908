"""The page of a campaign: what it says, that it cannot be broken into, and how it looks in a browser."""
