"""The first page: how the catalogue is, what changed, what to do."""
