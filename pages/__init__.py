"""One file per page; importing one runs nothing."""
