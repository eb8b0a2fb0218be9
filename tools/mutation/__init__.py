"""Mutation testing: each small change of a module, or of a template's number, and whether a test notices it."""
