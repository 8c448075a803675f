"""What is done to all that D sees, and with what probability."""
