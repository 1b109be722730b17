"""Files of /proc, one module each."""
