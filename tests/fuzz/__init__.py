"""Damaged and hostile films in great numbers: `python -m tests.fuzz`."""
