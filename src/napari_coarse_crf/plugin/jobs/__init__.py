"""Work in threads: runs, the next place, the Live switch."""
