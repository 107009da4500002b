"""Recording landmarks as training data."""
