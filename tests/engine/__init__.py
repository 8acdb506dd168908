"""What a campaign tries next."""
