"""Neural networks: encoders, layers, heads."""
