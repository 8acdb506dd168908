"""What any channel is: its events, its contract."""
