"""Faults: how the pipeline copes with kill -9, a full disk, an unreachable MLflow server, and two runs at once."""
