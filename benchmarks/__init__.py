"""Measurements that anyone can repeat; each writes its figures to results/ and into docs/benchmarks.md."""
