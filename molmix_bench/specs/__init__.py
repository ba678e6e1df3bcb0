"""The schema of every file this package reads, as frozen pydantic models."""
