"""Arrays in, arrays out: what is compiled, and how it runs on threads. Nothing here knows what a label map is for."""
