"""Video files and their sampled frames."""
