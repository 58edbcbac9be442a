"""Tools for those who develop the sandbox."""
