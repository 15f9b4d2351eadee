"""A picture's page, laid flat at a known scale."""
