"""From the shop's data to a published release."""
