"""``partner-orders doctor``: the whole way, part by part, and what to do about each fault."""
