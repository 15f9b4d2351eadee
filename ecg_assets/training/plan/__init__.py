"""What the TPU compiler says of a training config, on any machine: `ecg-assets tpu plan`."""
