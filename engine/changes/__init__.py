"""Changes to products that are in the catalogue already: kept, served at once, taken in by the next training."""
