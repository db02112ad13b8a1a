"""What a recipe will cost before anything of it is downloaded."""
