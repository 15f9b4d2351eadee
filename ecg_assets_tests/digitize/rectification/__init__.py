"""Tests of ecg_assets.digitize.rectification."""
