"""Order intake for Delivery Hero's quick-commerce platforms: the order and its lifecycle, and the edges around it."""
