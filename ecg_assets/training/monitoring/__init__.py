"""Monitors a running training: history, plots, TensorBoard, images."""
