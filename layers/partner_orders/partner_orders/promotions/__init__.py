"""Promotions: what the chain wants to run on the platform, as documents that are kept byte for byte."""
