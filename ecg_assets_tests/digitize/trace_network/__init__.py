"""Tests of ecg_assets.digitize.trace_network."""
