"""Looking through a campaign's directory: what is whole passes, and each kind of damage is named."""
