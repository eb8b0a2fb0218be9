"""Drift: where the platform shows a store's catalogue otherwise than the chain wants it, found, told and repaired."""
