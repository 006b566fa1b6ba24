"""What `audit.log` is made of: who waits, the one who writes, what a start finds out, what is published."""
