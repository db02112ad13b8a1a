"""What experiments measured, found again, lined up and queued."""
