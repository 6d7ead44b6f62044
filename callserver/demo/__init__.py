"""What shows the server at work: simulated and real PBXs, and the proof at the end."""
