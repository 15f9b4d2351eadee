"""Tests of ecg_assets.resources."""
