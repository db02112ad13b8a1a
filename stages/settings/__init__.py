"""The sections of params.yaml, a module a part of the pipeline."""
