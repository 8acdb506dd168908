"""The guest agent: its protocol, natively and in a guest."""
