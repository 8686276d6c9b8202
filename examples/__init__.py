"""One small application for each thing that Portico does; each file says how to run it."""
