"""The champion and the service's code, built into a Bento that can be served or put into a container."""
