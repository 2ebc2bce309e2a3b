"""What a visitor asks, read without a model: which findings, what is taken for granted, and what cannot be answered."""
