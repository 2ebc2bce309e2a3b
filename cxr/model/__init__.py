"""A Film and messages become probabilities and text."""
