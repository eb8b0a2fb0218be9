"""Reconciler: compares the platform's orders with ours and enqueues the differences."""
