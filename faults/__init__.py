"""Faults: what the pipeline makes of kill -9, a full disk, MLflow's server away, and two runs at once."""
