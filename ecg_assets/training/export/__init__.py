"""The network as an ONNX file."""
