"""How good label maps are: scores, averages over data sets, tables, and other methods beside ours."""
