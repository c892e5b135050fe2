"""Components, all parties in one process."""
