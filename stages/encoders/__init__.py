"""Captions to one vector each, by a frozen text model."""
