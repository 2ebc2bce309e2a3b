"""A file becomes a Film."""
