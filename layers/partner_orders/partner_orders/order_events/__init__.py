"""Order events: the message and the queue, the one way into the table."""
