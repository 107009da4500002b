"""The connection to the service and the threads between camera and window."""
