"""What people add to the shop and change in it, and how a training takes it in."""
