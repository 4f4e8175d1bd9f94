"""Reading: from a file, whatever its form, to its plain text."""
