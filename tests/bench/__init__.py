"""What the server can do, measured: `make bench`."""
