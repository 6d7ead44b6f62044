"""Closing a large month that is killed again and again: `make scale`; `make test` a small one."""
