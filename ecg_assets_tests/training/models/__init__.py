"""Tests of ecg_assets.training.models."""
