"""Results become the page."""
