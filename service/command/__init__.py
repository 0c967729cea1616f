"""The command line's parts: files read without a server, how the answers are written, and the check."""
