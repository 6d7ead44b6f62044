"""A simulated PBX that speaks real FastAGI and real AMI, and walks the dialplan as written."""
