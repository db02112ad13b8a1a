"""What a video and people's annotations are, and where they come from."""
