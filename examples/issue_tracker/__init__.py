"""A connector in front of another service: an issue tracker that has its own people and permissions."""
