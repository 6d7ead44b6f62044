"""What happens to a call, as coroutines that speak only to ports."""
