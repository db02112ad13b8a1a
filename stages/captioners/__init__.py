"""Frames to sentences."""
