"""``partner-orders``: the operator's command line."""
