"""Asterisk over AMI: a link that stays up, what its events mean for calls, its CDR file."""
