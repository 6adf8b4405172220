"""The commands of ``clx``, one file for each family."""
