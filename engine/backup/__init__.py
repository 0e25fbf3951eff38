"""Back-up and restore: everything that cannot be made again, in one file that is checked before it is used."""
