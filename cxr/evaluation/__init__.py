"""Results and truth become figures."""
