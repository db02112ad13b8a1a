"""What of a recipe can be found wrong before anything expensive is done."""
