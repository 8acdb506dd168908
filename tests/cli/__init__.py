"""What a user types: exit statuses, messages, known bugs replayed, the prompt, one short benchmark."""
