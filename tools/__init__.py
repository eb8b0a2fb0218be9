"""What develops, tests and measures the product; none of it is deployed."""
