"""Tests of ecg_assets.records.kaggle."""
