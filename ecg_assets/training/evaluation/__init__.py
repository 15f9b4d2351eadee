"""Scores, reports, and the champion."""
