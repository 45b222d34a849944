"""The dock "Annotate a series": one image of a folder after the other, and everything saved by itself."""
