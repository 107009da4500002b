"""The kinematic hand: a table of handshapes, a skeleton that poses them, and signers who show them."""
