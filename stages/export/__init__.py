"""Export: a trained network to the one ONNX file that every other room reads."""
