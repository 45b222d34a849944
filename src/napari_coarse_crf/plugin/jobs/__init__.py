"""Work in threads: runs, suggestions, the Live switch."""
