"""Talk: a prompt in, text out, a piece at a time."""

MAX_NEW = "max_new"  # the option that says how long a reply is
REPLY_LENGTH = 500  # ids, as in the seed
LONGEST_PROMPT = 2**21  # characters of a prompt that are looked at, its last: more than any context has ids
TOGETHER = 32  # texts that are written at the same time
