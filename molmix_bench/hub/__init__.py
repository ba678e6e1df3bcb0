"""Publishing a mix to a Hub or a folder, verifying it there, and fetching it again."""
