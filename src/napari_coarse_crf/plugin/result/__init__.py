"""The section "Result": look at results, measure them, make layers of them, save them."""
