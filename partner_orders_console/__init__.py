"""What people use: the command line now, its use cases and the page later."""
