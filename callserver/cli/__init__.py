"""The command line. Data goes to standard output, everything else to standard error.

Exit status: 0 done, 1 a check failed or the work could not be done, 2 wrong usage, 78 bad
configuration. Heavy imports happen inside the commands, so that `--help` is quick.
"""
