"""What a person's own labels say about how to refine them: hide a part, and see what finds it again."""
