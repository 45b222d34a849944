"""Parameters from a person's own labels: hide a part of them, refine the rest, judge by what was hidden."""
