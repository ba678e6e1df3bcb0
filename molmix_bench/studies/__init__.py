"""Studies: questions asked of many runs, each a plan of cells, a table, a figure and a page of what follows from it."""
