"""Tests of ecg_assets.digitize.tracing."""
