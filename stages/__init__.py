"""LLMVS, reproduced: every stage from videos to a report."""
