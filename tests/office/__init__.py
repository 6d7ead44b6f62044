"""All of the office's services together, over one set of books."""
