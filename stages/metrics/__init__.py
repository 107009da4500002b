"""What a network is worth: numbers and pictures from its probabilities."""
