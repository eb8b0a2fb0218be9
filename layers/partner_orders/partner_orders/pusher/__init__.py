"""The pusher: sends what changed in the catalogue, each store in turn, within the request budget."""
