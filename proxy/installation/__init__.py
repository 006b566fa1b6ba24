"""What `dragoman doctor` looks at: the installation as it is on this machine, and for each fault what to do."""
