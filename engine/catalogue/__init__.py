"""The shop's data: products, interactions, pictures, and the snapshot that holds them."""
