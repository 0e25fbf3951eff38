"""What the map shows: where products lie, by what they are coloured, what its regions are called, and how mixed they are."""
