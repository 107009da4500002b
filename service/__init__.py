"""The service: masks in, letters out, over ONNX Runtime and BentoML."""
