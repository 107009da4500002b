"""From a trained network to the champion: the gate it passes, and the card that goes with it."""
