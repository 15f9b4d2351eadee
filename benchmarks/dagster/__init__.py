"""What the platform costs beside what it does."""
