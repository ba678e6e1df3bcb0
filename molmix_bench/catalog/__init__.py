"""The YAML files of the sources and mixes that this package knows; `specs/catalog.py` reads them."""
