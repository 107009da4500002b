"""The window: what is drawn, its keys and its buttons."""
