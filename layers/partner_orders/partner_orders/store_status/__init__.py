"""Whether a store is open on the platform: what the chain wants, what the platform shows, and what to do next."""
