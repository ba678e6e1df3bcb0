"""A small local Hub that the unmodified `huggingface_hub` and `datasets` clients talk to, for development and tests."""
