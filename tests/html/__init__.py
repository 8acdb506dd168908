"""What all pages in HTML have in common."""
