"""Command lines of other products, with the image that has each of them."""
