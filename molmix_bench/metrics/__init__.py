"""The scoring protocol: arrays in, records out; no torch."""
