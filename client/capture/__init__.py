"""Where frames come from, and the hand in them."""
