"""Tests of ecg_assets.digitize.lead_layout."""
