"""Experiments set against each other, video by video."""
