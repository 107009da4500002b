"""The connection to the service, and the threads between source and window."""
