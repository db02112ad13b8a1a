"""The page of one film's summary."""
