"""Private set intersection: the functionality, and one file per paper."""
