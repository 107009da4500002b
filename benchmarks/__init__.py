"""Claims of speed, measured: each prints both sides in one run."""
