"""How a dataset's labels lie in tables: one file per form, all with the same few operations."""
