"""Files to arrays, and arrays to files: the only room that knows file formats."""
