"""Commands of the service and of its maintainers; each imports what it needs when it is run."""
