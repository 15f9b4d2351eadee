"""Scores checkpoints, writes reports, and keeps the champion."""
