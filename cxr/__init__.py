"""Reads chest films: 14 findings with honest probabilities, a report, and answers to questions."""
