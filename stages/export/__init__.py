"""Export: a trained network to the ONNX file that every other room uses, and the champion to a Bento."""
