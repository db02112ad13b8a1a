"""The trained part and its loop."""
