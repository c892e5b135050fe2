"""Keys and what rests on disk: identities, sealed files, private files, temporary folders."""
