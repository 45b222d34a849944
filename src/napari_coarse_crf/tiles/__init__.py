"""An image in parts and at reduced size, and the way back to the whole."""
