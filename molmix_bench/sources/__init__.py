"""Raw data: download, and one reader per file form; the only code that fetches raw files."""
