"""The torch room: the transformer and its trainer. Knows no home and no registry."""
