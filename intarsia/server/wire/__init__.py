"""What is read out of a message, and what is written into one."""
