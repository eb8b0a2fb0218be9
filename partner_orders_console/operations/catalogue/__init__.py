"""The catalogue for an operator: files, stores, products, what is held, and what the platform refused."""
