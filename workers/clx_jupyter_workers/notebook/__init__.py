"""The worker that turns one notebook, whatever it is written in, into all its variants."""
