"""One module per change to the tables, oldest first."""
