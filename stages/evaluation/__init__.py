"""What a network is worth: predictions, scores, intervals and plots."""
