"""What is measured by hand: speed, accuracy, scale, and the cost of Dagster."""
