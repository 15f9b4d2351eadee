"""Tests of ecg_assets.training.tpu."""
