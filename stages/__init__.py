"""LLMVS, reproduced: every stage from videos to a report."""

from stages import lifetime

lifetime.bind()
