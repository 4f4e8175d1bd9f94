"""Talk: a prompt in, text out, a piece at a time."""

REPLY_LENGTH = 500  # ids, as in the seed
