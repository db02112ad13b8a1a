"""Trained heads that come with the package: NAME.safetensors, and its card."""
