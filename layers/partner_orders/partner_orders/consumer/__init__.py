"""Consumer: the only writer of orders."""
