"""What the retailer gives us: products, events, pictures."""
