"""The dock "Annotate a series": one image of a folder or frame of a stack after the other, all saved by itself."""
