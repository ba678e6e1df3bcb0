"""What a mix says of itself: the dataset card, Croissant metadata and figures, all from its manifest and tables."""
