"""Scores to shots to a summary."""
