"""What stands where on a page."""
