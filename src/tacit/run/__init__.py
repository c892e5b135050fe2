"""Binding everything below: the front door for people (`secure`) and the one for machines (`job`)."""
