"""napari's layers to plain values, and results back to layers."""
