"""Files that people send: unpacked, their encoding found, and refused in clear words when they are no text."""
