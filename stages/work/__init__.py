"""Content-addressed work: how heavy stages survive and spread out."""
