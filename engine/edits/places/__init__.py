"""Places: products that stand higher on lists than they would by themselves, for some days."""
