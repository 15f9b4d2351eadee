"""Training: config, networks, losses, metrics, the loop on replicas, runtimes and checkpoints."""
