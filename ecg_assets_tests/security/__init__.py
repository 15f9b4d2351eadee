"""What keeps secrets secret, and other people's files where they belong."""
