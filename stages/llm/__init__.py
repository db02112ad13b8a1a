"""Prompt, window, and the shared-prefix forward pass of the frozen LLM."""
