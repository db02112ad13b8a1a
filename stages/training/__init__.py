"""Folds, the loop, and what it leaves."""
