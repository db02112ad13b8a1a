"""Frozen models asked for the score of a frame, fine-tuned on what people said."""
