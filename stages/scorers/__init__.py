"""Inputs to scores, one kind a module."""
