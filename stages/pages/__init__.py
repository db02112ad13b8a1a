"""What people read: the report, the comparison of experiments, and what they share."""
