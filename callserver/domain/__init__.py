"""The trade's rules as pure functions and values: no clock, no I/O, no log, no await."""
