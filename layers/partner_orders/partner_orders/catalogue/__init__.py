"""The catalogue: the newest price and stock of each product on the platform, guarded, and with a known outcome."""
