"""Tests of ecg_assets.digitize.scoring."""
