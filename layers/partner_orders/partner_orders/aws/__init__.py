"""AWS: the clients, and the only place that knows DynamoDB's attribute types."""
