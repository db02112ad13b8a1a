"""Which videos train and which test."""
