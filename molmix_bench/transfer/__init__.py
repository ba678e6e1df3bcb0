"""What was learnt from a mix, taken to other molecules: fine-tuning, embeddings, predictions."""
