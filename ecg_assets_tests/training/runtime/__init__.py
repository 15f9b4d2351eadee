"""Tests of ecg_assets.training.runtime."""
