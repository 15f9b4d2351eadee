"""What a running training shows: history, plots, TensorBoard, images."""
