"""The demo shop: a dress shop that is drawn, written and visited by chance, with style families as its known truth."""
