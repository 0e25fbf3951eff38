"""A training on a Spark cluster: its heavy sums and maps, and the reading of events, on many machines (docs/cluster.md)."""
