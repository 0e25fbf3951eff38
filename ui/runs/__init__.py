"""Loading a shop and watching a training."""
