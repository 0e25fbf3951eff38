"""Reading files from strangers: bounded children, archives, sheets and pictures, checked before anything is decoded."""
