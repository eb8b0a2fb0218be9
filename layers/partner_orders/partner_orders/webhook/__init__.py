"""Webhook: authenticates the platform's request and enqueues its body."""
