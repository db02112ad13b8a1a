"""What the claims of speed and of optimism rest on: measurements that anyone can repeat."""
