"""Talk: a prompt in, text out, a piece at a time."""
