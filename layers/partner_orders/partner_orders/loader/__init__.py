"""The loader: takes a store's list of products, checks every line, and brings what is new into the catalogue."""
