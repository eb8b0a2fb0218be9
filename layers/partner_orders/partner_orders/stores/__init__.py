"""Stores: the chain's stores, their settings and trading hours."""
