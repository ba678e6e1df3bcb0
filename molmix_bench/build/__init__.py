"""From raw rows to a finished mix: pure steps over partitions, and the engine that runs them."""
