"""The report: everything measured, on pages that open without a network."""
