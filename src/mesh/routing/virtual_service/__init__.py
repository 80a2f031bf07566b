"""What VirtualServices mean, one feature a file."""
