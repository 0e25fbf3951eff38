"""How good the neighbours are: protocol, metrics and peers."""
