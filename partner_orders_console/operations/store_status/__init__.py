"""Whether stores are open on the platform: what an operator wishes, and what became of it."""
