"""SMILES to standard molecules, identities, scaffolds, descriptors and generated molecules; uses RDKit."""
