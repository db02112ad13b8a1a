"""What becomes of finished work when a stage is killed, a disk full, an item damaged."""
