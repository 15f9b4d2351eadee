"""Exports a network as an ONNX file, and runs it."""
