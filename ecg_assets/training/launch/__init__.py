"""Launches trainers: clears leftover processes, records the launch, and checks that the accelerator is free."""
