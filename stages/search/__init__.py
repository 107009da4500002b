"""The search for better parameters: space, study, trials, and the way back into `params.yaml`."""
