"""Tests of ecg_assets.training.evaluation."""
