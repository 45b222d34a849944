"""Images that do not fit into memory: opened and read part by part, and label maps written part by part."""
