"""How the catalogue is and what to do about it: figures and findings for the first page, worked out once for a release."""
