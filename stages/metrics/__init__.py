"""A summary or scores against people."""
