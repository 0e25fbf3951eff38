"""People's judgements of neighbours."""
