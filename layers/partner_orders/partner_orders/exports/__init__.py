"""Exports: what the platform shows of each store's products, asked for by schedule and kept in the bucket."""
