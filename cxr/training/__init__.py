"""Rows become an adapter."""
