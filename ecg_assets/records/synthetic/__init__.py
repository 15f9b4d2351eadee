"""Synthetic 12-lead ECGs: rhythm, conduction, morphology, leads and noise."""
