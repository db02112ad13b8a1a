"""Anyone's own film: looked at, read, scored and cut down, without people and without a dataset."""
