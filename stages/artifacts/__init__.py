"""One module a file that passes between stages: its schema, reading and writing."""
