"""The search for better parameters: its space, its study, one trial, and the way back into `params.yaml`."""
