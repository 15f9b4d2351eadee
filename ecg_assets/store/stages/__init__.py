"""Runs stages over shards and items, and checks their state and integrity."""
