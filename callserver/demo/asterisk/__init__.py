"""A real Asterisk 22 in a folder, and SIPp around it: for `make demo PBX=asterisk` and tests."""
