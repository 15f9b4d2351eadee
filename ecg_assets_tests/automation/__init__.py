"""Tests of ecg_assets.automation."""
