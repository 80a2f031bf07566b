"""What one object alone can get wrong, one kind a file."""
