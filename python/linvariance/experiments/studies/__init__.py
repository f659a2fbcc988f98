"""What the command line does with a user's own data and group: landscapes and paths, each a page like the figures'."""
