"""Where videos, people and what is given come from."""
