"""A stand-in for Delivery Hero: it makes believable orders, posts their events, and serves the Partner API.

It knows the platform's contract and nothing of the stack. The same seed makes the same orders.
"""
