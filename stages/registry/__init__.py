"""The model registry in MLflow: versions, the champion, the gate, the comparison and the model card."""
