"""Tests of ecg_assets.records.wfdb."""
