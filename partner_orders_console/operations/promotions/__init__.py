"""Promotions as an operator handles them: documents read and checked, put, ended and shown."""
