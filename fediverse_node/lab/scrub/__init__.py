"""Recordings without a word of what people said, and with everything that matters to a program."""
