"""Config, network, losses, metrics, the loop on replicas, runtimes and checkpoints."""
